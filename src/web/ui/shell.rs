//! The document around every page.

use std::{path::PathBuf, str::FromStr, sync::OnceLock};

use leptos::{nonce::use_nonce, prelude::*};

use super::{Banner, Flash, Glyph, Icon, Notice, some};
use crate::islands::PageKeys;

/// The name of the product, in titles and at the top of the navigation.
const PRODUCT: &str = "Event Broker Manager";

/// The parts of the console.
#[expect(missing_docs, reason = "the names say it")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Overview,
    Apps,
    Spaces,
    Channels,
    Events,
    Services,
    Access,
    Bridges,
    People,
    History,
    Cluster,
}

impl Section {
    const fn looks(self) -> (&'static str, Glyph) {
        match self {
            Self::Overview => ("Overview", Glyph::Overview),
            Self::Apps => ("Apps", Glyph::App),
            Self::Spaces => ("Spaces", Glyph::Space),
            Self::Channels => ("Channels", Glyph::Channel),
            Self::Events => ("Events", Glyph::Event),
            Self::Services => ("Services", Glyph::Service),
            Self::Access => ("Access", Glyph::Access),
            Self::Bridges => ("Bridges", Glyph::Bridge),
            Self::People => ("People", Glyph::People),
            Self::History => ("History", Glyph::History),
            Self::Cluster => ("Cluster", Glyph::Cluster),
        }
    }

    /// Those that are about the installation rather than the landscape; they stand apart.
    const fn is_below(self) -> bool {
        matches!(self, Self::People | Self::History | Self::Cluster)
    }
}

/// An entry of the navigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NavItem {
    /// The part.
    pub section: Section,
    /// Its first page.
    pub href: String,
    /// How many things in it need someone; shown where it is not 0.
    pub attention: u32,
}

impl NavItem {
    /// An entry that needs nobody.
    pub fn new(section: Section, href: impl Into<String>) -> Self {
        Self { section, href: href.into(), attention: 0 }
    }
}

/// A page above this one. The last of the path is this page and has no address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Crumb {
    /// Its name.
    pub label: String,
    /// Its address.
    pub href: Option<String>,
}

impl Crumb {
    /// A page above.
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: Some(href.into()) }
    }

    /// This page.
    pub fn here(label: impl Into<String>) -> Self {
        Self { label: label.into(), href: None }
    }
}

/// Who is signed in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberView {
    /// The name, or what is known of it.
    pub name: String,
    /// The address.
    pub email: String,
    /// What the member may do, in words.
    pub role: String,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// The word in the cookie, the form and the style sheet.
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    const fn looks(self) -> (&'static str, Glyph) {
        match self {
            Self::System => ("System", Glyph::Monitor),
            Self::Light => ("Light", Glyph::Sun),
            Self::Dark => ("Dark", Glyph::Moon),
        }
    }
}

impl FromStr for Theme {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::System, Self::Light, Self::Dark].into_iter().find(|theme| theme.name() == word).ok_or(())
    }
}

/// The search over everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchBox {
    /// Its page.
    pub action: String,
    /// What was searched for.
    pub query: String,
}

/// What stands around a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// The title of the window, without the product's name.
    pub title: String,
    /// The part of the console the page is in, where it is in one.
    pub section: Option<Section>,
    /// The navigation: only what exists and the member may see.
    pub nav: Vec<NavItem>,
    /// The way to this page, this page last.
    pub crumbs: Vec<Crumb>,
    /// Who is signed in.
    pub member: Option<MemberView>,
    /// Light or dark.
    pub theme: Theme,
    /// What every page says, whatever it is about.
    pub banner: Option<Banner>,
    /// What the act before this page did.
    pub flash: Option<Flash>,
    /// Whether the page has islands. Without them it loads no script at all; copy buttons need them.
    pub islands: bool,
    /// Path and query of the page, to come back to after the theme was changed.
    pub current_path: String,
    /// The search, where there is one.
    pub search: Option<SearchBox>,
}

/// A page of the console.
pub fn document(options: LeptosOptions, frame: Frame, body: impl IntoView + 'static) -> AnyView {
    let Frame { title, section, nav, crumbs, member, theme, banner, flash, islands, current_path, search } = frame;
    let content = view! {
        <div class="app">
            {navigation(nav, section, search.clone())}
            <div class="column">
                <header class="topbar">
                    <button type="button" class="icon-button menu-button" popovertarget="nav" aria-label="Menu"><Icon glyph=Glyph::Menu/></button>
                    {breadcrumb(crumbs)}
                    {search.map(search_box)}
                    {account(member, theme, current_path)}
                </header>
                <div id="banner" data-live="">{banner.map(Banner::view)}</div>
                <main id="main" tabindex="-1">
                    {flash.map(flash_view)}
                    {body.into_any()}
                </main>
                {footer()}
            </div>
        </div>
    };
    html(options, title, theme, islands, content.into_any()).into_any()
}

/// `/` leads to the first search that is seen: over everything, or on a narrow screen of the list. On every page, so
/// it is no island: those bring a program of some size with them.
const TO_SEARCH: &str = "addEventListener('keydown',e=>{\
    if(e.key!='/'||e.ctrlKey||e.altKey||e.metaKey||e.target.closest('input,textarea,select,dialog'))return;\
    const s=[...document.querySelectorAll('input[type=search]')].find(s=>s.offsetParent);\
    if(s){e.preventDefault();s.focus()}})";

/// A page of its own: signing in, setting a password, errors before that.
pub fn bare(
    options: LeptosOptions,
    title: impl Into<String>,
    theme: Theme,
    flash: Option<Flash>,
    body: impl IntoView + 'static,
) -> AnyView {
    let content = view! {
        <div class="bare">
            <main id="main" tabindex="-1">
                <p class="brand">{brand()}</p>
                {flash.map(flash_view)}
                {body.into_any()}
            </main>
            {footer()}
        </div>
    };
    html(options, title.into(), theme, false, content.into_any()).into_any()
}

fn html(options: LeptosOptions, title: String, theme: Theme, islands: bool, content: AnyView) -> impl IntoView {
    let style = stylesheet(&options);
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.name()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <title>{format!("{title} · {PRODUCT}")}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=style/>
                {islands.then(|| view! { <HydrationScripts options islands=true/> })}
            </head>
            <body>
                <a class="skip" href="#main">"Skip to content"</a>
                {content}
                <script nonce=use_nonce() inner_html=TO_SEARCH></script>
                {islands.then(|| view! { <PageKeys/> })}
            </body>
        </html>
    }
}

/// The address of the style sheet. With hashed names the hash is in the file beside the executable, as for the scripts.
fn stylesheet(options: &LeptosOptions) -> String {
    static HASH: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let beside = std::env::current_exe().ok()?.parent()?.join(PathBuf::from(options.hash_file.as_ref()));
        let names = std::fs::read_to_string(beside).ok()?;
        let css = names.lines().find_map(|line| line.trim().strip_prefix("css:"))?;
        Some(css.trim().to_owned())
    };
    let hash = if options.hash_files { HASH.get_or_init(read).as_deref() } else { None };
    let dot = if hash.is_some() { "." } else { "" };
    format!("/{}/{}{dot}{}.css", options.site_pkg_dir, options.output_name, hash.unwrap_or_default())
}

fn brand() -> impl IntoView {
    view! {
        <svg class="brand-mark" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
            <rect x="1" y="1" width="22" height="22" rx="6"></rect>
            <path d="M7 8h6.5M7 12h10M10.5 16H17"></path>
        </svg>
        <span>{PRODUCT}</span>
    }
}

fn navigation(items: Vec<NavItem>, current: Option<Section>, search: Option<SearchBox>) -> AnyView {
    let link = move |item: NavItem| {
        let (label, glyph) = item.section.looks();
        let attention = (item.attention > 0).then(|| {
            view! { <span class="attention">{item.attention}<span class="unseen">" to look at"</span></span> }
        });
        view! {
            <li>
                <a href=item.href aria-current=(current == Some(item.section)).then_some("page")>
                    <Icon glyph/>
                    <span>{label}</span>
                    {attention}
                </a>
            </li>
        }
    };
    let home = items.first().map_or_else(|| "/".to_owned(), |item| item.href.clone());
    let (below, above): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.section.is_below());
    let list = move |items: Vec<NavItem>| {
        (!items.is_empty()).then(|| view! { <ul>{items.into_iter().map(link).collect_view()}</ul> })
    };
    // The search stands in the bar where that has room.
    // A popover only where the screen is narrow: the style sheet shows it always where there is room.
    view! {
        <nav id="nav" class="nav" aria-label="Main" popover="auto">
            <a class="brand" href=home>{brand()}</a>
            {search.map(search_box)}
            {list(above)}
            {list(below)}
        </nav>
    }
    .into_any()
}

fn breadcrumb(crumbs: Vec<Crumb>) -> AnyView {
    let crumb = |crumb: Crumb| match crumb.href {
        Some(href) => view! { <li><a href=href>{crumb.label}</a></li> }.into_any(),
        None => view! { <li><span aria-current="page">{crumb.label}</span></li> }.into_any(),
    };
    view! {
        <nav class="crumbs" aria-label="Breadcrumb">
            <ol>{crumbs.into_iter().map(crumb).collect_view()}</ol>
        </nav>
    }
    .into_any()
}

fn search_box(search: SearchBox) -> AnyView {
    view! {
        <form class="search" method="get" action=search.action role="search" aria-label="Everything">
            <Icon glyph=Glyph::Search/>
            <input type="search" name="q" value=search.query aria-label="Search everything" placeholder="Search" aria-keyshortcuts="/" autocomplete="off"/>
            <kbd aria-hidden="true">"/"</kbd>
        </form>
    }
    .into_any()
}

fn account(member: Option<MemberView>, theme: Theme, next: String) -> AnyView {
    let initial = member.as_ref().and_then(|member| member.name.chars().next()).map(|c| c.to_uppercase().to_string());
    let (label, face) = match &member {
        Some(member) => (format!("Account of {}", member.name), initial.into_any()),
        None => ("Appearance".to_owned(), view! { <Icon glyph=Glyph::Settings/> }.into_any()),
    };
    let signed_in = member.is_some();
    let who = member.map(|member| {
        view! {
            <div class="who">
                <p class="who-name">{member.name}</p>
                <p class="who-more">{member.email}</p>
                <p class="who-more">{member.role}</p>
            </div>
        }
    });
    view! {
        <button type="button" class="icon-button avatar" popovertarget="account" aria-label=label>{face}</button>
        <div id="account" class="menu" popover="auto">
            {who}
            {theme_form(theme, next)}
            {signed_in.then(|| view! {
                <div>
                    <a class="menu-item" href="/profile"><Icon glyph=Glyph::Key/><span>"Profile and tokens"</span></a>
                    <form method="post" action="/sign-out">
                        <button type="submit" class="menu-item"><Icon glyph=Glyph::SignOut/><span>"Sign out"</span></button>
                    </form>
                </div>
            })}
        </div>
    }
    .into_any()
}

fn theme_form(current: Theme, next: String) -> AnyView {
    let button = |theme: Theme| {
        let (label, glyph) = theme.looks();
        let pressed = if theme == current { "true" } else { "false" };
        view! {
            <button type="submit" name="theme" value=theme.name() aria-pressed=pressed><Icon glyph/><span>{label}</span></button>
        }
    };
    view! {
        <form class="theme" method="post" action="/theme">
            <input type="hidden" name="next" value=some(next)/>
            <fieldset class="segmented">
                <legend class="unseen">"Theme"</legend>
                {[Theme::System, Theme::Light, Theme::Dark].map(button).collect_view()}
            </fieldset>
        </form>
    }
    .into_any()
}

fn flash_view(flash: Flash) -> AnyView {
    view! { <Notice tone=flash.tone title=flash.text announce=true/> }.into_any()
}

fn footer() -> AnyView {
    view! { <footer class="foot"><p>{PRODUCT}" "{env!("CARGO_PKG_VERSION")}</p></footer> }.into_any()
}
