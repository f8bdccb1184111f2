//! Pages that wait for one another: of all pages of a browser one at a time has its turn.

use leptos::{prelude::window, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    AbortController,
    js_sys::{Function, Object, Promise, Reflect},
};

/// The place of a page in the queue. Dropped, the next page has its turn; a page that is closed loses it by itself.
pub(super) struct Turn {
    queued: AbortController,
    end: Function,
    _begin: Closure<dyn FnMut() -> JsValue>,
}

impl Turn {
    /// Whether the browser keeps such a queue for the page; it does over https and on localhost.
    pub(super) fn possible() -> bool {
        locks().is_some()
    }

    /// Calls `begin` when it is the page's turn.
    pub(super) fn wait_for(begin: impl Fn() + 'static) -> Option<Self> {
        let (locks, request) = locks()?;
        let queued = AbortController::new().ok()?;
        let options = Object::new();
        Reflect::set(&options, &"signal".into(), &queued.signal()).ok()?;
        // The turn lasts until this promise is kept.
        let mut end = None;
        let held: JsValue = Promise::new(&mut |keep, _| end = Some(keep)).into();
        let begin = Closure::<dyn FnMut() -> JsValue>::new(move || {
            begin();
            held.clone()
        });
        let asked = request.call3(&locks, &"live".into(), &options, begin.as_ref()).ok()?;
        // It fails where the page gives up its place.
        spawn_local(async move {
            if let Ok(asked) = asked.dyn_into::<Promise>() {
                let _ = asked.await;
            }
        });
        Some(Self { queued, end: end?, _begin: begin })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.queued.abort();
        let _ = self.end.call0(&JsValue::UNDEFINED);
    }
}

/// Web Locks; `web-sys` does not have them yet.
fn locks() -> Option<(JsValue, Function)> {
    let locks = Reflect::get(&window().navigator(), &"locks".into()).ok()?;
    let request = Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;
    Some((locks, request))
}
