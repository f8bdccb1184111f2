//! What pages are made of: the document around them and the parts they share.
//!
//! Everything here takes plain, owned data and answers a view. It knows `leptos`, `std` and `time`; it does not know the
//! manager, the paths of the console or the clock. Text that is empty is left out, so optional text is a `String`.

#![expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]

mod button;
mod code;
mod copy;
mod dialog;
mod empty;
mod facts;
mod feedback;
mod fields;
mod filters;
mod icon;
mod name;
mod page;
mod paging;
mod picker;
mod plot;
mod shell;
mod status;
mod steps;
mod table;
mod tabs;
mod time;

pub use button::{ButtonKind, ButtonLink, Refused, Submit};
pub use code::Code;
pub use copy::CopyValue;
pub use dialog::Confirm;
pub use empty::EmptyState;
pub use facts::{Fact, Facts};
pub use feedback::{Action, Banner, Flash, Notice};
pub use fields::{CheckBox, Choice, ErrorSummary, Errors, Field, Radio, Select, TextArea, field_id};
pub use filters::{FilterBar, FilterField, FilterSelect};
pub use icon::{Glyph, Icon};
pub use name::Name;
pub use page::{PageHead, Panel};
pub use paging::Paging;
pub use picker::{PickItem, Picker};
pub use plot::{Plot, Sparkline};
pub use shell::{Crumb, Frame, MemberView, NavItem, SearchBox, Section, Theme, bare, document};
pub use status::{Pill, State, Status, Tone};
pub use steps::{Chain, ChainStep, StepState, WizardStep, WizardSteps};
pub use table::{Column, Order, Sort, Table};
pub use tabs::{Tab, Tabs};
pub use time::{Moment, When};

/// Text, or nothing where it is empty.
fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
