//! Things that happen one after the other.

use leptos::prelude::*;

use super::{Glyph, Icon, some};

/// How far a step is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StepState {
    /// Behind us.
    Done,
    /// The one to do now.
    Current,
    /// Being done by the machine.
    Working,
    /// Went wrong.
    Failed,
    /// Not yet.
    #[default]
    Todo,
}

impl StepState {
    const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Current => "current",
            Self::Working => "working",
            Self::Failed => "failed",
            Self::Todo => "todo",
        }
    }

    /// The state in a word, for those who do not see the mark.
    const fn word(self) -> &'static str {
        match self {
            Self::Done => "Done: ",
            Self::Current => "To do now: ",
            Self::Working => "Under way: ",
            Self::Failed => "Failed: ",
            Self::Todo => "Later: ",
        }
    }

    const fn glyph(self) -> Option<Glyph> {
        match self {
            Self::Done => Some(Glyph::Check),
            Self::Working => Some(Glyph::Loader),
            Self::Failed => Some(Glyph::Close),
            Self::Current | Self::Todo => None,
        }
    }
}

/// A link of a chain.
pub struct ChainStep {
    /// How far it is.
    pub state: StepState,
    /// What it is: `Broker enabled for the app`.
    pub title: String,
    /// What is so, or what is missing.
    pub text: String,
    /// What can be done about it: a form or a link.
    pub action: Option<AnyView>,
}

impl ChainStep {
    /// A step that offers nothing.
    pub fn new(state: StepState, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { state, title: title.into(), text: text.into(), action: None }
    }

    /// Adds what can be done.
    #[must_use]
    pub fn action(mut self, action: impl IntoView + 'static) -> Self {
        self.action = Some(action.into_any());
        self
    }
}

/// A chain from top to bottom: what has to be so, each on top of the one before.
#[component]
pub fn Chain(
    /// What the chain leads to.
    #[prop(into)]
    label: String,
    /// The links in their order.
    steps: Vec<ChainStep>,
) -> AnyView {
    let item = |step: ChainStep| {
        let state = step.state;
        view! {
            <li data-state=state.name() aria-current=(state == StepState::Current).then_some("step")>
                <span class="mark">{state.glyph().map(|glyph| view! { <Icon glyph/> })}</span>
                <div class="chain-words">
                    <p class="chain-title"><span class="unseen">{state.word()}</span>{step.title}</p>
                    {some(step.text).map(|text| view! { <p class="chain-text">{text}</p> })}
                </div>
                {step.action.map(|action| view! { <div class="chain-action">{action}</div> })}
            </li>
        }
    };
    view! { <ol class="chain" aria-label=label>{steps.into_iter().map(item).collect_view()}</ol> }.into_any()
}

/// A step of a wizard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WizardStep {
    /// What the step asks.
    pub label: String,
    /// What was answered, where it was.
    pub summary: String,
    /// How far it is.
    pub state: StepState,
    /// Its page, where it may be opened.
    pub href: Option<String>,
}

/// The steps of a wizard: answered ones with their answer and the way back.
#[component]
pub fn WizardSteps(
    /// The steps in their order.
    steps: Vec<WizardStep>,
) -> AnyView {
    let item = |(nth, step): (usize, WizardStep)| {
        let number = nth + 1;
        let mark = match step.state.glyph() {
            Some(glyph) => view! { <Icon glyph/> }.into_any(),
            None => number.to_string().into_any(),
        };
        let change = step.href.filter(|_| step.state != StepState::Current).map(|href| {
            let label = format!("Change step {number}, {}", step.label);
            view! { <a class="wizard-change" href=href aria-label=label>"Change"</a> }
        });
        view! {
            <li data-state=step.state.name() aria-current=(step.state == StepState::Current).then_some("step")>
                <span class="mark">{mark}</span>
                <div class="wizard-words">
                    <p class="wizard-label"><span class="unseen">{step.state.word()}</span>{step.label}</p>
                    {some(step.summary).map(|summary| view! { <p class="wizard-summary">{summary}</p> })}
                </div>
                {change}
            </li>
        }
    };
    view! { <ol class="wizard-steps" aria-label="Steps">{steps.into_iter().enumerate().map(item).collect_view()}</ol> }
        .into_any()
}
