//! Fields of forms: a label, a hint, what was typed, and what is wrong with it.

#![expect(clippy::fn_params_excessive_bools, reason = "each is named where a field is written")]

use std::collections::BTreeMap;

use leptos::prelude::*;

use super::{Icon, Tone, some};

/// What is wrong with a form: a sentence for each field, or several where a field holds several things.
///
/// What belongs to no field has the name `""`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Errors(BTreeMap<String, Vec<String>>);

impl Errors {
    /// Notes what is wrong with a field. The first sentence about a field stays.
    pub fn add(&mut self, field: impl Into<String>, sentence: impl Into<String>) {
        self.0.entry(field.into()).or_insert_with(|| vec![sentence.into()]);
    }

    /// Notes one more thing that is wrong with a field, unless it is noted already.
    pub fn add_also(&mut self, field: impl Into<String>, sentence: impl Into<String>) {
        let (sentences, sentence) = (self.0.entry(field.into()).or_default(), sentence.into());
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }

    /// Forgets what is wrong with the parts of a field, `contacts/0` of `contacts`, and says whether there was any.
    /// Parts that have no control of their own are nothing to lead to.
    pub fn take_parts(&mut self, field: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|name, _| name.strip_prefix(field).is_none_or(|rest| !rest.starts_with('/')));
        self.0.len() < before
    }

    /// The sentence about a field, for the `error` of its component.
    pub fn get(&self, field: &str) -> Option<String> {
        self.0.get(field).map(|sentences| sentences.join(" "))
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<BTreeMap<String, String>> for Errors {
    fn from(errors: BTreeMap<String, String>) -> Self {
        errors.into_iter().collect()
    }
}

impl<F: Into<String>, S: Into<String>> FromIterator<(F, S)> for Errors {
    fn from_iter<I: IntoIterator<Item = (F, S)>>(errors: I) -> Self {
        Self(errors.into_iter().map(|(field, sentence)| (field.into(), vec![sentence.into()])).collect())
    }
}

/// One of several answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What people read.
    pub label: String,
    /// More words, under the label; radio buttons only.
    pub hint: String,
}

impl Choice {
    /// An answer without a hint.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: String::new() }
    }

    /// Adds words under the label.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// The id of the control of a field: `routes[0].url` becomes `f-routes-0--url`.
pub fn field_id(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("f-{}", name.chars().map(safe).collect::<String>())
}

/// The ids a control is described by: the error first, because it is the news.
fn described_by(id: &str, error: Option<&String>, hint: &str) -> Option<String> {
    let mut ids = Vec::new();
    if error.is_some() {
        ids.push(format!("{id}-error"));
    }
    if !hint.is_empty() {
        ids.push(format!("{id}-hint"));
    }
    some(ids.join(" "))
}

fn hint_view(id: &str, hint: String) -> impl IntoView + use<> {
    let id = format!("{id}-hint");
    some(hint).map(|hint| view! { <p class="hint" id=id>{hint}</p> })
}

fn error_view(id: &str, error: Option<String>) -> impl IntoView + use<> {
    let id = format!("{id}-error");
    error.map(|error| {
        view! { <p class="field-error" id=id><Icon glyph=Tone::Fail.glyph()/><span>{error}</span></p> }
    })
}

fn label_view(id: String, label: String, optional: bool, unseen: bool) -> impl IntoView {
    view! {
        <label for=id class=unseen.then_some("unseen")>
            {label}
            {optional.then(|| view! { <span class="optional">" optional"</span> })}
        </label>
    }
}

/// A line of text.
#[component]
pub fn Field(
    /// What people read.
    #[prop(into)]
    label: String,
    /// What the form sends it as.
    #[prop(into)]
    name: String,
    /// What was typed, or is so now.
    #[prop(optional, into)]
    value: String,
    /// What is wrong with it: `errors.get("name")`.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// What it is for, and its rules.
    #[prop(optional, into)]
    hint: String,
    /// `text`, `password`, `email`, `url`, `number`, `date`, …
    #[prop(default = "text", into)]
    kind: &'static str,
    /// Whether it must be filled in. Fields that need not be say so.
    #[prop(default = true)]
    required: bool,
    /// A token of HTML's autofill, `off` where the value is nobody's.
    #[prop(default = "off", into)]
    autocomplete: &'static str,
    /// The longest value, in UTF-16 units.
    #[prop(optional)]
    maxlength: Option<u32>,
    /// What a file may be: endings and media types.
    #[prop(optional, into)]
    accept: String,
    /// An example, never the label.
    #[prop(optional, into)]
    placeholder: String,
    /// Keys, addresses and other text for machines.
    #[prop(optional)]
    mono: bool,
    /// Whether the label is only heard, where what stands beside the field says what it is.
    #[prop(optional)]
    unseen_label: bool,
    /// Whether the field takes the focus when the page opens.
    #[prop(optional)]
    autofocus: bool,
) -> AnyView {
    let id = field_id(&name);
    let described = described_by(&id, error.as_ref(), &hint);
    let invalid = error.is_some().then_some("true");
    view! {
        <div class="field">
            {label_view(id.clone(), label, !required, unseen_label)}
            {hint_view(&id, hint)}
            <input
                class=mono.then_some("mono")
                id=id.clone()
                type=kind
                name=name
                value=value
                required=required
                autocomplete=autocomplete
                autofocus=autofocus
                maxlength=maxlength.map(|length| length.to_string())
                accept=some(accept)
                placeholder=some(placeholder)
                spellcheck=mono.then_some("false")
                autocapitalize=mono.then_some("none")
                aria-invalid=invalid
                aria-describedby=described
            />
            {error_view(&id, error)}
        </div>
    }
    .into_any()
}

/// Several lines of text.
#[component]
pub fn TextArea(
    /// What people read.
    #[prop(into)]
    label: String,
    /// What the form sends it as.
    #[prop(into)]
    name: String,
    /// What was typed, or is so now.
    #[prop(optional, into)]
    value: String,
    /// What is wrong with it.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// What it is for, and its rules.
    #[prop(optional, into)]
    hint: String,
    /// Lines shown.
    #[prop(default = 6)]
    rows: u32,
    /// Whether it must be filled in.
    #[prop(default = true)]
    required: bool,
    /// The longest value, in UTF-16 units.
    #[prop(optional)]
    maxlength: Option<u32>,
    /// Text for machines.
    #[prop(optional)]
    mono: bool,
) -> AnyView {
    let id = field_id(&name);
    let described = described_by(&id, error.as_ref(), &hint);
    let invalid = error.is_some().then_some("true");
    view! {
        <div class="field wide">
            {label_view(id.clone(), label, !required, false)}
            {hint_view(&id, hint)}
            // HTML drops one line break after the start tag: this one, not one of the value.
            <textarea
                class=mono.then_some("mono")
                id=id.clone()
                name=name
                rows=rows.to_string()
                required=required
                maxlength=maxlength.map(|length| length.to_string())
                spellcheck=mono.then_some("false")
                aria-invalid=invalid
                aria-describedby=described
            >{format!("\n{value}")}</textarea>
            {error_view(&id, error)}
        </div>
    }
    .into_any()
}

/// One of many answers.
#[component]
pub fn Select(
    /// What people read.
    #[prop(into)]
    label: String,
    /// What the form sends it as.
    #[prop(into)]
    name: String,
    /// The answers.
    choices: Vec<Choice>,
    /// The chosen one.
    #[prop(optional, into)]
    value: String,
    /// What stands there while nothing is chosen; without it the first answer is chosen.
    #[prop(optional, into)]
    prompt: String,
    /// What is wrong with it.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// What it is for.
    #[prop(optional, into)]
    hint: String,
    /// Whether an answer must be chosen.
    #[prop(default = true)]
    required: bool,
) -> AnyView {
    let id = field_id(&name);
    let described = described_by(&id, error.as_ref(), &hint);
    let invalid = error.is_some().then_some("true");
    view! {
        <div class="field">
            {label_view(id.clone(), label, !required, false)}
            {hint_view(&id, hint)}
            <select id=id.clone() name=name required=required aria-invalid=invalid aria-describedby=described>
                {some(prompt).map(|prompt| view! { <option value="">{prompt}</option> })}
                {options(choices, &value)}
            </select>
            {error_view(&id, error)}
        </div>
    }
    .into_any()
}

/// The answers of a list, the chosen one marked.
pub(super) fn options(choices: Vec<Choice>, chosen: &str) -> impl IntoView + use<> {
    let option = |choice: Choice| {
        let selected = choice.value == chosen;
        view! { <option value=choice.value selected=selected>{choice.label}</option> }
    };
    choices.into_iter().map(option).collect_view()
}

/// One of few answers, all in sight.
#[component]
pub fn Radio(
    /// The question.
    #[prop(into)]
    label: String,
    /// What the form sends it as.
    #[prop(into)]
    name: String,
    /// The answers.
    choices: Vec<Choice>,
    /// The chosen one.
    #[prop(optional, into)]
    value: String,
    /// What is wrong with it.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// What it is for.
    #[prop(optional, into)]
    hint: String,
) -> AnyView {
    // The summary leads to the id of the field: the first answer carries it.
    let id = field_id(&name);
    let described = described_by(&id, error.as_ref(), &hint);
    let answer = |(nth, choice): (usize, Choice)| {
        let own = if nth == 0 { id.clone() } else { format!("{id}-{nth}") };
        let checked = choice.value == value;
        view! {
            <div class="choice">
                <input type="radio" id=own.clone() name=name.clone() value=choice.value checked=checked required=true/>
                <label for=own>
                    {choice.label}
                    {some(choice.hint).map(|hint| view! { <span class="hint">{hint}</span> })}
                </label>
            </div>
        }
    };
    let answers = choices.into_iter().enumerate().map(answer).collect_view();
    view! {
        <fieldset class="field" aria-describedby=described>
            <legend>{label}</legend>
            {hint_view(&id, hint)}
            {answers}
            {error_view(&id, error)}
        </fieldset>
    }
    .into_any()
}

/// Yes or no.
#[component]
pub fn CheckBox(
    /// What people agree to.
    #[prop(into)]
    label: String,
    /// What the form sends it as.
    #[prop(into)]
    name: String,
    /// What the form sends when it is ticked.
    #[prop(default = "on".to_owned(), into)]
    value: String,
    /// Whether it is ticked.
    #[prop(optional)]
    checked: bool,
    /// Whether it must be ticked.
    #[prop(optional)]
    required: bool,
    /// What is wrong with it.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// What follows from it.
    #[prop(optional, into)]
    hint: String,
    /// The id of the control where its name is there more than once.
    #[prop(optional, into)]
    id: String,
) -> AnyView {
    let id = some(id).unwrap_or_else(|| field_id(&name));
    let described = described_by(&id, error.as_ref(), &hint);
    let invalid = error.is_some().then_some("true");
    view! {
        <div class="field">
            <div class="choice">
                <input
                    type="checkbox"
                    id=id.clone()
                    name=name
                    value=value
                    checked=checked
                    required=required
                    aria-invalid=invalid
                    aria-describedby=described
                />
                <label for=id.clone()>{label}</label>
            </div>
            {hint_view(&id, hint)}
            {error_view(&id, error)}
        </div>
    }
    .into_any()
}

/// What is wrong with the form, all in one place, each sentence a link to its field. Nothing where nothing is wrong.
///
/// The sentence about the form as a whole is the heading.
#[component]
pub fn ErrorSummary(
    /// What is wrong.
    mut errors: Errors,
) -> AnyView {
    if errors.is_empty() {
        return ().into_any();
    }
    let whole = errors.0.remove("").map(|sentences| sentences.join(" "));
    let title = whole.unwrap_or_else(|| "Not done yet: please look at this again".to_owned());
    let of_field = |(field, sentences): (String, Vec<String>)| {
        let href = format!("#{}", field_id(&field));
        sentences.into_iter().map(move |sentence| view! { <li><a href=href.clone()>{sentence}</a></li> }).collect_view()
    };
    let list = (!errors.is_empty()).then(|| {
        view! { <ul class="notice-body">{errors.0.into_iter().map(of_field).collect_view()}</ul> }
    });
    view! {
        <div class="notice" data-tone="fail" role="alert" tabindex="-1" id="errors">
            <Icon glyph=Tone::Fail.glyph()/>
            <div class="notice-words">
                <h2 class="notice-title">{title}</h2>
                {list}
            </div>
        </div>
    }
    .into_any()
}
