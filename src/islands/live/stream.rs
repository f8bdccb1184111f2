//! The stream of changes, and how the pages of a browser share it.
//!
//! Over HTTP/1.1 a browser has six connections to a server: as many pages with a stream each, and no page opens any more. So one page,
//! whose turn it is, has the stream, and tells the others what it hears.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use leptos::{ev, prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{BroadcastChannel, Event, EventSource, MessageEvent};

use super::{
    renew::{Renewed, renew},
    turn::Turn,
};

/// Changes come in bursts; one new page shows them all.
const BURST: Duration = Duration::from_millis(150);
/// How long a part waits in which someone is at work.
const BUSY: Duration = Duration::from_secs(3);
/// The longest wait before the stream is tried again.
const LONGEST: u64 = 30;

/// The server's word for: what happened until now is not known, look again.
const ALL: &str = "*";
/// A page's word for: is anyone listening?
const ASK: &str = "?";

/// What a page knows of the stream. It lives as long as the page, and so do its listeners.
pub(super) struct Stream {
    url: String,
    topic: String,
    state: RwSignal<&'static str>,
    /// The other pages; none where pages cannot take turns, and each has a stream of its own.
    others: Option<BroadcastChannel>,
    turn: RefCell<Option<Turn>>,
    source: RefCell<Option<Open>>,
    failures: Cell<u32>,
    due: Cell<bool>,
}

/// An open stream and what it calls.
struct Open {
    source: EventSource,
    _failed: Closure<dyn FnMut(Event)>,
    _message: Closure<dyn FnMut(MessageEvent)>,
}

impl Drop for Open {
    fn drop(&mut self) {
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
            others: Turn::possible().then(|| BroadcastChannel::new("live").ok()).flatten(),
            turn: RefCell::new(None),
            source: RefCell::new(None),
            failures: Cell::new(0),
            due: Cell::new(false),
        });
        if let Some(others) = &stream.others {
            let told = Closure::<dyn FnMut(MessageEvent)>::new({
                let stream = Rc::clone(&stream);
                move |event: MessageEvent| stream.told(&event)
            });
            others.set_onmessage(Some(told.as_ref().unchecked_ref()));
            told.forget();
        }
        stream.appear();
        window_event_listener(ev::visibilitychange, move |_| {
            if document().hidden() {
                stream.source.take();
                stream.turn.take();
            } else {
                stream.appear();
                stream.renew_soon(BURST);
            }
        });
    }

    /// The page is seen: it waits for its turn, and meanwhile hears what others say.
    fn appear(self: &Rc<Self>) {
        if document().hidden() {
            return;
        }
        if self.others.is_none() {
            return self.open();
        }
        let stream = Rc::clone(self);
        self.turn.replace(Turn::wait_for(move || stream.open()));
        self.tell(ASK);
    }

    fn open(self: &Rc<Self>) {
        if self.source.borrow().is_some() {
            return;
        }
        let Ok(source) = EventSource::new(&self.url) else {
            return;
        };
        let failed = Closure::<dyn FnMut(Event)>::new({
            let stream = Rc::clone(self);
            move |_| stream.open_later()
        });
        let message = Closure::<dyn FnMut(MessageEvent)>::new({
            let stream = Rc::clone(self);
            move |event: MessageEvent| {
                if let Some(word) = event.data().as_string() {
                    stream.failures.set(0);
                    stream.hear(&word);
                    stream.tell(&word);
                }
            }
        });
        source.set_onerror(Some(failed.as_ref().unchecked_ref()));
        source.set_onmessage(Some(message.as_ref().unchecked_ref()));
        self.source.replace(Some(Open { source, _failed: failed, _message: message }));
    }

    /// The browser's own reconnecting ends for good on some answers: the timer here does not.
    fn open_later(self: &Rc<Self>) {
        let failures = self.failures.get();
        self.failures.set(failures.saturating_add(1));
        self.hear("lost");
        self.tell("lost");
        let wait = Duration::from_secs(LONGEST.min(1 << failures.min(5)));
        let stream = Rc::clone(self);
        // Not in this call: it runs inside the closure that would be dropped.
        set_timeout(
            move || {
                // Whoever was hidden meanwhile has no stream to open again.
                if stream.source.take().is_some() {
                    stream.open();
                }
            },
            wait,
        );
        if let Some(open) = &*self.source.borrow() {
            open.source.close();
        }
    }

    /// What the page that has the stream does with a word of it, and every other with what it is told.
    fn hear(self: &Rc<Self>, word: &str) {
        match word {
            "lost" => self.state.set("lost"),
            // What happened before was not heard.
            "open" if self.state.get_untracked() == "open" => {}
            word => {
                self.state.set("open");
                if word == "open" || word == ALL || word == self.topic {
                    self.renew_soon(BURST);
                }
            }
        }
    }

    fn told(self: &Rc<Self>, event: &MessageEvent) {
        let Some(word) = event.data().as_string() else { return };
        if word != ASK {
            if !document().hidden() {
                self.hear(&word);
            }
        } else if self.source.borrow().is_some() {
            let state = self.state.get_untracked();
            if state != "off" {
                self.tell(state);
            }
        }
    }

    fn tell(&self, word: &str) {
        if let Some(others) = &self.others {
            let _ = others.post_message(&JsValue::from_str(word));
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
