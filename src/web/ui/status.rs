//! States: always a hue, an icon and a word together.

use leptos::prelude::*;

use super::{Glyph, Icon, Moment, When};

/// The hue of a message or a state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    /// Says something; asks for nothing.
    #[default]
    Info,
    /// As it should be.
    Ok,
    /// On its way; nothing to do but wait.
    Wait,
    /// Works, but someone should look.
    Warn,
    /// Does not work.
    Fail,
    /// Off, and meant to be.
    Quiet,
}

impl Tone {
    /// The word in style sheets.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Ok => "ok",
            Self::Wait => "wait",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Quiet => "quiet",
        }
    }

    /// The icon where no better one is known.
    pub const fn glyph(self) -> Glyph {
        match self {
            Self::Info => Glyph::Info,
            Self::Ok => Glyph::CircleCheck,
            Self::Wait => Glyph::Clock,
            Self::Warn => Glyph::Warning,
            Self::Fail => Glyph::CircleX,
            Self::Quiet => Glyph::CircleOff,
        }
    }
}

/// Every state a page shows. Reasons are whole sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Kafka agrees with what is wanted.
    Applied,
    /// Wanted, not yet so, since when.
    Pending(Option<Moment>),
    /// Wanted and refused, because.
    Failed(String),
    /// A bridge that moves events.
    Running,
    /// A bridge someone stopped.
    Stopped,
    /// A bridge that is not finished.
    Draft,
    /// A bridge that is being started.
    Provisioning,
    /// A bridge that takes on a changed configuration.
    Reconfiguring,
    /// A bridge whose Kafka or outside system is away, and which of them.
    Waiting(String),
    /// A bridge that stopped itself, because.
    Halted(String),
    /// A bridge that cannot start, because.
    Misconfigured(String),
    /// Enabled at both levels.
    Enabled,
    /// Enabled at one level only, and which is missing.
    HalfEnabled(String),
    /// Not enabled.
    Disabled,
    /// Enabled, and nothing was deployed yet.
    AwaitingDeployment,
    /// Seen on Kafka, last when.
    Connected(Option<Moment>),
    /// Not seen on Kafka, last when.
    Silent(Option<Moment>),
    /// A queue or step that is ready.
    Ready,
}

impl State {
    const fn looks(&self) -> (Tone, Glyph, &'static str) {
        match self {
            Self::Applied => (Tone::Ok, Glyph::CircleCheck, "Applied"),
            Self::Pending(_) => (Tone::Wait, Glyph::Clock, "Pending"),
            Self::Failed(_) => (Tone::Fail, Glyph::CircleX, "Failed"),
            Self::Running => (Tone::Ok, Glyph::Play, "Running"),
            Self::Stopped => (Tone::Quiet, Glyph::Stop, "Stopped"),
            Self::Draft => (Tone::Quiet, Glyph::CircleDashed, "Draft"),
            Self::Provisioning => (Tone::Wait, Glyph::Loader, "Provisioning"),
            Self::Reconfiguring => (Tone::Wait, Glyph::Refresh, "Reconfiguring"),
            Self::Waiting(_) => (Tone::Wait, Glyph::Clock, "Waiting"),
            Self::Halted(_) => (Tone::Fail, Glyph::Halt, "Halted"),
            Self::Misconfigured(_) => (Tone::Warn, Glyph::Wrench, "Misconfigured"),
            Self::Enabled => (Tone::Ok, Glyph::CircleCheck, "Enabled"),
            Self::HalfEnabled(_) => (Tone::Warn, Glyph::Warning, "Half enabled"),
            Self::Disabled => (Tone::Quiet, Glyph::CircleOff, "Disabled"),
            Self::AwaitingDeployment => (Tone::Wait, Glyph::Deploy, "Waiting for first deployment"),
            Self::Connected(_) => (Tone::Ok, Glyph::Plug, "Connected"),
            Self::Silent(_) => (Tone::Warn, Glyph::Unplug, "Not connected"),
            Self::Ready => (Tone::Ok, Glyph::CircleCheck, "Ready"),
        }
    }

    /// The hue that goes with the state.
    pub const fn tone(&self) -> Tone {
        self.looks().0
    }
}

/// A short coloured label.
#[component]
pub fn Pill(
    /// The hue.
    tone: Tone,
    /// The word.
    #[prop(into)]
    label: String,
    /// The icon; the one of the hue where none is given.
    #[prop(optional)]
    glyph: Option<Glyph>,
) -> AnyView {
    view! {
        <span class="pill" data-tone=tone.name()>
            <Icon glyph=glyph.unwrap_or(tone.glyph())/>
            {label}
        </span>
    }
    .into_any()
}

/// A state as a pill, with since when or why beside it.
#[component]
pub fn Status(state: State) -> AnyView {
    let (tone, glyph, label) = state.looks();
    let more = match state {
        State::Pending(Some(moment)) => {
            Some(view! { <span class="status-more">"for "{moment.distance()}</span> }.into_any())
        }
        State::Connected(Some(moment)) | State::Silent(Some(moment)) => {
            Some(view! { <span class="status-more">"seen "<When moment/></span> }.into_any())
        }
        State::Failed(why)
        | State::Waiting(why)
        | State::Halted(why)
        | State::Misconfigured(why)
        | State::HalfEnabled(why) => Some(view! { <span class="status-more">{why}</span> }.into_any()),
        _ => None,
    };
    view! { <span class="status"><Pill tone glyph label/>{more}</span> }.into_any()
}
