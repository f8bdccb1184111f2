//! Points in time as people say them, with the exact time at hand.

use leptos::prelude::*;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// A point in time and the moment from which it is looked at.
///
/// The second is handed in: nothing that is drawn reads a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// When it happened, or will.
    pub at: OffsetDateTime,
    /// When the page was made.
    pub now: OffsetDateTime,
}

impl Moment {
    /// `at`, seen from `now`.
    pub const fn new(at: OffsetDateTime, now: OffsetDateTime) -> Self {
        Self { at, now }
    }

    /// The distance in one unit: `12 s`, `3 min`, `5 h`, `2 days`; a second at least.
    pub fn distance(self) -> String {
        let distance = (self.now - self.at).abs();
        let days = distance.whole_days();
        match distance {
            d if d < Duration::MINUTE => format!("{} s", d.whole_seconds().max(1)),
            d if d < Duration::HOUR => format!("{} min", d.whole_minutes()),
            d if d < Duration::DAY => format!("{} h", d.whole_hours()),
            _ if days == 1 => "1 day".to_owned(),
            _ if days < 60 => format!("{days} days"),
            _ if days < 730 => format!("{} months", days / 30),
            _ => format!("{} years", days / 365),
        }
    }

    /// `just now`, `3 min ago`, `in 2 days`.
    pub fn words(self) -> String {
        if (self.now - self.at).abs() < Duration::seconds(5) {
            "just now".to_owned()
        } else if self.at > self.now {
            format!("in {}", self.distance())
        } else {
            format!("{} ago", self.distance())
        }
    }

    /// `2025-11-25 22:31:07 UTC`.
    fn exact(self) -> String {
        let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
        self.at.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default()
    }

    /// For machines: RFC 3339.
    fn machine(self) -> String {
        self.at.format(&Rfc3339).unwrap_or_default()
    }
}

/// A time in words; the exact one shows on hover and is there for machines.
#[component]
pub fn When(moment: Moment) -> AnyView {
    view! { <time datetime=moment.machine() title=moment.exact()>{moment.words()}</time> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_one_unit() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let said = |back: Duration| Moment::new(now - back, now).words();
        assert_eq!(said(Duration::seconds(2)), "just now");
        assert_eq!(said(Duration::seconds(42)), "42 s ago");
        assert_eq!(said(Duration::minutes(3)), "3 min ago");
        assert_eq!(said(Duration::hours(23)), "23 h ago");
        assert_eq!(said(Duration::days(1)), "1 day ago");
        assert_eq!(said(Duration::days(90)), "3 months ago");
        assert_eq!(said(Duration::days(-2)), "in 2 days");
    }

    #[test]
    fn the_exact_time_is_in_utc() {
        let at = OffsetDateTime::UNIX_EPOCH.to_offset(time::macros::offset!(+2));
        assert_eq!(Moment::new(at, at).exact(), "1970-01-01 00:00:00 UTC");
    }
}
