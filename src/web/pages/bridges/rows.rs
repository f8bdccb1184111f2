//! The events of a bridge while someone chooses them: typed, added, removed, not yet saved.

use leptos::prelude::*;

use super::super::parts::Typed;
use crate::{
    domain::bridge::{Direction, Mode},
    manager::{
        Error,
        bridges::{Bridge, RouteDraft},
    },
    web::{refusal, ui::Errors},
};

/// More rows than the manager takes are not read.
const MAX_ROWS: usize = 200;

/// A direction of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// Whether events go this way.
    pub chosen: bool,
    /// The queue's address, kept while the direction is not chosen.
    pub url: String,
    /// How they go there.
    pub mode: Mode,
}

/// An event with its directions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// Key of the service.
    pub service: String,
    /// The event.
    pub event: String,
    /// To the queue.
    pub to: Way,
    /// From the queue.
    pub from: Way,
}

impl Row {
    fn of_key(key: &str) -> Option<Self> {
        let (service, event) = key.split_once('/')?;
        Some(Self { service: service.to_owned(), event: event.to_owned(), ..Self::default() })
    }

    /// What stands for the event in forms.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.service, self.event)
    }

    /// One of the directions.
    pub(super) fn way(&self, direction: Direction) -> &Way {
        match direction {
            Direction::Outbound => &self.to,
            Direction::Inbound => &self.from,
        }
    }
}

/// The word for a direction in names of fields.
pub(super) fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Outbound => "to",
        Direction::Inbound => "from",
    }
}

/// The name of a row's field.
pub(super) fn field(row: usize, name: &str) -> String {
    format!("rows/{row}/{name}")
}

/// The name of the field of a direction's queue.
pub(super) fn url_field(row: usize, direction: Direction) -> String {
    field(row, &format!("{}_url", word(direction)))
}

/// The name of the field that says how a row's events go to their queue.
pub(super) fn mode_field(row: usize) -> String {
    field(row, "to_mode")
}

/// All rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rows(pub Vec<Row>);

impl Rows {
    /// As they are saved.
    pub(super) fn of_bridge(bridge: &Bridge) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        for route in &bridge.routes {
            let known = rows.iter().position(|r| r.service == route.service && r.event == route.event);
            let at = known.unwrap_or_else(|| {
                rows.push(Row { service: route.service.clone(), event: route.event.clone(), ..Row::default() });
                rows.len() - 1
            });
            let way = Way { chosen: true, url: route.queue.to_string(), mode: route.mode };
            match route.direction {
                Direction::Outbound => rows[at].to = way,
                Direction::Inbound => rows[at].from = way,
            }
        }
        Self(rows)
    }

    /// As they were typed.
    pub(super) fn of_typed(typed: &Typed) -> Self {
        let row = |i: usize| {
            let mut row = Row::of_key(typed.find(&field(i, "event"))?)?;
            let way = |direction| Way {
                chosen: typed.has(&field(i, word(direction))),
                url: typed.get(&url_field(i, direction)).trim().to_owned(),
                mode: match direction {
                    Direction::Outbound => Mode::from_word(&typed.get(&mode_field(i))).unwrap_or_default(),
                    Direction::Inbound => Mode::Usual,
                },
            };
            (row.to, row.from) = (way(Direction::Outbound), way(Direction::Inbound));
            Some(row)
        };
        Self((0..MAX_ROWS).map_while(row).collect())
    }

    /// The rows as fields that are carried along unseen.
    pub(super) fn hidden(&self) -> impl IntoView + use<> {
        let mut fields = Vec::new();
        for (i, row) in self.0.iter().enumerate() {
            fields.push((field(i, "event"), row.key()));
            for direction in [Direction::Outbound, Direction::Inbound] {
                let way = row.way(direction);
                if way.chosen {
                    fields.push((field(i, word(direction)), "on".to_owned()));
                }
                if !way.url.is_empty() {
                    fields.push((url_field(i, direction), way.url.clone()));
                }
                if way.mode != Mode::Usual {
                    fields.push((mode_field(i), way.mode.as_str().to_owned()));
                }
            }
        }
        fields.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view()
    }

    /// Adds events that are not there yet. Those go the only way they can, or both ways are left to choose.
    pub(super) fn add(&mut self, keys: &[String]) {
        for row in keys.iter().filter_map(|key| Row::of_key(key)) {
            if self.0.len() < MAX_ROWS && !self.has(&row.key()) {
                self.0.push(row);
            }
        }
    }

    /// Takes a row away.
    pub(super) fn remove(&mut self, at: usize) {
        if at < self.0.len() {
            self.0.remove(at);
        }
    }

    /// Whether an event is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|row| row.key() == key)
    }

    /// What can be seen to be unfinished without asking anyone.
    pub(super) fn unfinished(&self) -> Errors {
        let mut errors = Errors::default();
        for (i, row) in self.0.iter().enumerate() {
            if !row.to.chosen && !row.from.chosen {
                errors.add(field(i, "to"), format!("{}: choose a direction, or remove the event.", row.event));
            }
            for direction in [Direction::Outbound, Direction::Inbound] {
                let way = row.way(direction);
                if way.chosen && way.url.is_empty() {
                    let why = format!("{}, {}: give the URL of the queue.", row.event, direction.label());
                    errors.add(url_field(i, direction), why);
                }
            }
        }
        errors
    }

    /// The routes they make, and for each of them its row.
    pub(super) fn routes(&self) -> (Vec<RouteDraft>, Vec<usize>) {
        let mut routes = (Vec::new(), Vec::new());
        for (i, row) in self.0.iter().enumerate() {
            for direction in [Direction::Outbound, Direction::Inbound] {
                let way = row.way(direction);
                if way.chosen {
                    let (service, event) = (row.service.clone(), row.event.clone());
                    let (queue_url, mode) = (way.url.clone(), way.mode);
                    routes.0.push(RouteDraft { service, event, direction, queue_url, mode });
                    routes.1.push(i);
                }
            }
        }
        routes
    }
}

/// What the manager says of routes, beside the fields of their rows.
pub(super) fn beside_rows(error: &Error, routes: &[RouteDraft], rows: &[usize]) -> Option<Errors> {
    let Error::Invalid(fields) = error else { return refusal::beside_fields(error) };
    let mut errors = Errors::default();
    for wrong in fields {
        let mut parts = wrong.field.split('/').skip(1);
        let nth: Option<usize> = parts.next().and_then(|n| n.parse().ok());
        let found = nth.and_then(|n| Some((routes.get(n)?, *rows.get(n)?)));
        let Some((route, row)) = found else {
            errors.add("", format!("The business events {}.", wrong.message));
            continue;
        };
        let (event, way) = (&route.event, route.direction.label());
        match parts.next() {
            Some("queue_url") => {
                let sentence = format!("{event}, {way}: the queue URL {}.", wrong.message);
                errors.add(url_field(row, route.direction), sentence);
            }
            Some("mode") => {
                errors.add(mode_field(row), format!("{event}, {way}: how it goes {}.", wrong.message));
            }
            Some("direction") => {
                errors.add(field(row, word(route.direction)), format!("{event}: {way} {}.", wrong.message));
            }
            _ => errors.add(field(row, "to"), format!("{event} {}.", wrong.message)),
        }
    }
    Some(errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::Error;

    fn typed() -> Typed {
        Typed::of([
            ("rows/0/event", "orders/OrderPlaced".to_owned()),
            ("rows/0/to", "on".to_owned()),
            ("rows/0/to_url", " https://a ".to_owned()),
            ("rows/1/event", "erp/InvoicePaid".to_owned()),
            ("rows/1/from", "on".to_owned()),
            ("rows/1/from_url", "https://b".to_owned()),
            ("rows/1/to_url", "https://kept".to_owned()),
        ])
    }

    #[test]
    fn what_was_typed_is_read_row_by_row() {
        let rows = Rows::of_typed(&typed());
        assert_eq!(rows.0.len(), 2);
        assert_eq!(rows.0[0].to, Way { chosen: true, url: "https://a".into(), mode: Mode::Usual });
        assert_eq!(rows.0[1].to, Way { chosen: false, url: "https://kept".into(), mode: Mode::Usual });
        assert!(rows.unfinished().is_empty());
        let (routes, of) = rows.routes();
        assert_eq!(routes.iter().map(|r| r.direction).collect::<Vec<_>>(), [Direction::Outbound, Direction::Inbound]);
        assert_eq!(of, [0, 1]);
    }

    #[test]
    fn an_event_is_added_once_and_asked_for_its_direction() {
        let mut rows = Rows::of_typed(&typed());
        rows.add(&["erp/InvoicePaid".into(), "erp/InvoiceSent".into(), "no key".into()]);
        assert_eq!(rows.0.len(), 3);
        assert!(rows.unfinished().get("rows/2/to").is_some());
        rows.remove(2);
        rows.remove(7);
        assert_eq!(rows, Rows::of_typed(&typed()));
    }

    #[test]
    fn an_error_stands_beside_the_field_of_its_row() {
        let mut rows = Rows::of_typed(&typed());
        rows.0.insert(0, Row { service: "x".into(), event: "Idle".into(), ..Row::default() });
        let (routes, of) = rows.routes();
        let error = Error::field("routes/1/queue_url", "must begin with https://");
        let errors = beside_rows(&error, &routes, &of).unwrap();
        assert_eq!(
            errors.get("rows/2/from_url").unwrap(),
            "InvoicePaid, from SQS: the queue URL must begin with https://."
        );
    }
}
