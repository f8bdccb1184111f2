//! A page that keeps itself true.

use leptos::prelude::*;

/// Draws parts of the page anew when the server says that something changed.
///
/// The server sends events at `url`, each with a topic as its data. When `topic` comes, the page is fetched again and every element with
/// `data-live` and an id takes over what the new page has there. Such a part holds no island: nobody would wake it. A part in which
/// someone types or has a dialog open waits until that is over.
///
/// The stream is closed while the page is hidden; when the browser gives up, a timer opens it again, later each time. Without script a
/// reload shows what is new, and the page says so.
#[island]
pub fn Live(
    /// The address of the event stream, of this origin.
    #[prop(into)]
    url: String,
    /// What the page is about.
    #[prop(into)]
    topic: String,
) -> impl IntoView {
    let state = RwSignal::new("off");
    Effect::new(move || {
        #[cfg(feature = "hydrate")]
        browser::Stream::start(url.clone(), topic.clone(), state);
        #[cfg(not(feature = "hydrate"))]
        let _ = (&url, &topic);
    });
    let word = move || match state.get() {
        "open" => "Live",
        "lost" => "Reconnecting",
        _ => "Reload to see changes",
    };
    view! { <p class="live" data-state=state>{word}</p> }
}

#[cfg(feature = "hydrate")]
mod browser {
    use std::{
        cell::{Cell, RefCell},
        rc::Rc,
        time::Duration,
    };

    use leptos::{ev, prelude::*, task::spawn_local};
    use wasm_bindgen::{JsCast, closure::Closure};
    use web_sys::{
        Document, DomParser, Element, Event, EventSource, HtmlElement, MessageEvent, Response, SupportedType,
        js_sys::JsString,
    };

    /// Changes come in bursts; one new page shows them all.
    const BURST: Duration = Duration::from_millis(150);
    /// How long a part waits in which someone is at work.
    const BUSY: Duration = Duration::from_secs(3);
    /// The longest wait before the stream is tried again.
    const LONGEST: u64 = 30;

    /// The stream of the page. It lives as long as the page, and so do its listeners.
    pub(super) struct Stream {
        url: String,
        topic: String,
        state: RwSignal<&'static str>,
        source: RefCell<Option<Open>>,
        failures: Cell<u32>,
        due: Cell<bool>,
    }

    /// An open stream and what it calls.
    struct Open {
        source: EventSource,
        _opened: Closure<dyn FnMut()>,
        _failed: Closure<dyn FnMut(Event)>,
        _message: Closure<dyn FnMut(MessageEvent)>,
    }

    impl Drop for Open {
        fn drop(&mut self) {
            self.source.set_onopen(None);
            self.source.set_onerror(None);
            self.source.set_onmessage(None);
            self.source.close();
        }
    }

    impl Stream {
        pub(super) fn start(url: String, topic: String, state: RwSignal<&'static str>) {
            let stream = Rc::new(Self {
                url,
                topic,
                state,
                source: RefCell::new(None),
                failures: Cell::new(0),
                due: Cell::new(false),
            });
            stream.open();
            window_event_listener(ev::visibilitychange, move |_| {
                if document().hidden() {
                    stream.source.take();
                } else {
                    stream.open();
                    stream.renew_soon(BURST);
                }
            });
        }

        fn open(self: &Rc<Self>) {
            if self.source.borrow().is_some() || document().hidden() {
                return;
            }
            let Ok(source) = EventSource::new(&self.url) else {
                return;
            };
            let opened = Closure::<dyn FnMut()>::new({
                let stream = Rc::clone(self);
                move || {
                    stream.state.set("open");
                    // What happened while the stream was away was not said.
                    if stream.failures.replace(0) > 0 {
                        stream.renew_soon(BURST);
                    }
                }
            });
            let failed = Closure::<dyn FnMut(Event)>::new({
                let stream = Rc::clone(self);
                move |_| stream.open_later()
            });
            let message = Closure::<dyn FnMut(MessageEvent)>::new({
                let stream = Rc::clone(self);
                move |event: MessageEvent| {
                    if event.data().as_string().as_deref() == Some(stream.topic.as_str()) {
                        stream.renew_soon(BURST);
                    }
                }
            });
            source.set_onopen(Some(opened.as_ref().unchecked_ref()));
            source.set_onerror(Some(failed.as_ref().unchecked_ref()));
            source.set_onmessage(Some(message.as_ref().unchecked_ref()));
            self.source.replace(Some(Open { source, _opened: opened, _failed: failed, _message: message }));
        }

        /// The browser's own reconnecting ends for good on some answers: the timer here does not.
        fn open_later(self: &Rc<Self>) {
            let failures = self.failures.get();
            self.failures.set(failures.saturating_add(1));
            self.state.set("lost");
            let wait = Duration::from_secs(LONGEST.min(1 << failures.min(5)));
            let stream = Rc::clone(self);
            // Not in this call: it runs inside the closure that would be dropped.
            set_timeout(
                move || {
                    stream.source.take();
                    stream.open();
                },
                wait,
            );
            if let Some(open) = &*self.source.borrow() {
                open.source.close();
            }
        }

        fn renew_soon(self: &Rc<Self>, wait: Duration) {
            if self.due.replace(true) {
                return;
            }
            let stream = Rc::clone(self);
            set_timeout(
                move || {
                    stream.due.set(false);
                    spawn_local(async move {
                        if renew().await == Some(Renewed::Busy) {
                            stream.renew_soon(BUSY);
                        }
                    });
                },
                wait,
            );
        }
    }

    #[derive(PartialEq, Eq)]
    enum Renewed {
        All,
        Busy,
    }

    /// Fetches the page and takes over its live parts. Nothing where that fails: the next change tries again.
    async fn renew() -> Option<Renewed> {
        let here = window().location().href().ok()?;
        let answer: Response = window().fetch_with_str(&here).await.ok()?.dyn_into().ok()?;
        // Another page, such as that of signing in, is not this page.
        if !answer.ok() || answer.redirected() {
            return None;
        }
        let text = answer.text().ok()?.await.ok()?;
        let text = text.dyn_ref::<JsString>().and_then(|text| text.as_string())?;
        let new = DomParser::new().ok()?.parse_from_string(&text, SupportedType::TextHtml).ok()?;
        let parts = document().query_selector_all("[data-live][id]").ok()?;
        let mut renewed = Renewed::All;
        for nth in 0..parts.length() {
            let Some(part) = parts.get(nth).and_then(|part| part.dyn_into::<Element>().ok()) else {
                continue;
            };
            if !take_over(&part, &new) {
                renewed = Renewed::Busy;
            }
        }
        Some(renewed)
    }

    /// Whether the part shows what the new page has there, or has nothing to show.
    fn take_over(part: &Element, new: &Document) -> bool {
        let Some(other) = new.get_element_by_id(&part.id()) else {
            return true;
        };
        let html = other.inner_html();
        if html == part.inner_html() {
            return true;
        }
        if busy(part) {
            return false;
        }
        // The focus goes to what has the same id afterwards.
        let focus = document().active_element().filter(|active| part.contains(Some(active))).map(|active| active.id());
        part.set_inner_html(&html);
        let again = focus.filter(|id| !id.is_empty()).and_then(|id| document().get_element_by_id(&id));
        if let Some(again) = again.and_then(|again| again.dyn_into::<HtmlElement>().ok()) {
            let _ = again.focus();
        }
        true
    }

    fn busy(part: &Element) -> bool {
        part.query_selector("input:focus, textarea:focus, select:focus, dialog[open]").ok().flatten().is_some()
    }
}
