//! Every address of the console. Pages and tests take them from here, never write them.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::domain::ids::{BridgeId, ChannelId, MemberId, TokenId};

/// All but unreserved characters (RFC 3986, section 2.3).
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b',')
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A part of a path or the value of a parameter.
pub fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// The overview.
pub const OVERVIEW: &str = "/";
/// Signing in.
pub const SIGN_IN: &str = "/sign-in";
/// Signing out (post only).
pub const SIGN_OUT: &str = "/sign-out";
/// Choosing light or dark (post only).
pub const THEME: &str = "/theme";
/// The stream of changes.
pub const LIVE: &str = "/live";
/// The apps.
pub const APPS: &str = "/apps";
/// Registering an app.
pub const NEW_APP: &str = "/apps/new";
/// Apps and environments from a file.
pub const IMPORT: &str = "/import";
/// The description of the API.
pub const API: &str = "/api";
/// The Spaces.
pub const SPACES: &str = "/spaces";
/// Making a Space.
pub const NEW_SPACE: &str = "/new-space";
/// The channels.
pub const CHANNELS: &str = "/channels";
/// The events.
pub const EVENTS: &str = "/events";
/// The services.
pub const SERVICES: &str = "/services";
/// Uploading a service: its document, and what was read of it.
pub const UPLOAD_SERVICE: &str = "/services/upload";
/// Choosing the Spaces for it.
pub const UPLOAD_SPACES: &str = "/services/upload/spaces";
/// Access.
pub const ACCESS: &str = "/access";
/// The bridges.
pub const BRIDGES: &str = "/bridges";
/// The wizard's first step.
pub const NEW_BRIDGE: &str = "/bridges/new";
/// The wizard's second step, before there is a draft.
pub const NEW_BRIDGE_DETAILS: &str = "/bridges/new/details";
/// The people.
pub const PEOPLE: &str = "/people";
/// One's own profile: tokens.
pub const PROFILE: &str = "/profile";
/// The history.
pub const HISTORY: &str = "/history";
/// The search over everything.
pub const SEARCH: &str = "/search";
/// The cluster.
pub const CLUSTER: &str = "/cluster";
/// What has to be so in it for Spaces to be apart.
pub const CLUSTER_ISOLATION: &str = "/cluster#isolation";
/// Answers to what was found in Kafka (post only).
pub const CLUSTER_DECISIONS: &str = "/cluster/decisions";

/// Setting a password by a one-time link.
pub fn password(secret: &str) -> String {
    format!("/password/{secret}")
}

/// An app.
pub fn app(app: &str) -> String {
    format!("{APPS}/{app}")
}

/// Changing an app's name and contacts.
pub fn edit_app(app: &str) -> String {
    format!("{APPS}/{app}/edit")
}

/// The broker's switch of an app (post only).
pub fn app_broker(app: &str) -> String {
    format!("{APPS}/{app}/broker")
}

/// Registering an environment.
pub fn new_environment(app: &str) -> String {
    format!("{APPS}/{app}/environments/new")
}

/// An environment.
pub fn environment(app: &str, environment: &str) -> String {
    format!("{APPS}/{app}/environments/{environment}")
}

/// The broker's switch of an environment (post only).
pub fn environment_broker(app: &str, environment: &str) -> String {
    format!("{APPS}/{app}/environments/{environment}/broker")
}

/// Making credentials: asks first, shows them in the answer.
pub fn credentials(app: &str, environment: &str) -> String {
    format!("{APPS}/{app}/environments/{environment}/credentials")
}

/// Making a deploy token: asks first, shows it in the answer.
pub fn deploy_tokens(app: &str, environment: &str) -> String {
    format!("{APPS}/{app}/environments/{environment}/tokens")
}

/// Ending a token (post only).
pub fn revoke_token(token: TokenId) -> String {
    format!("/tokens/{token}/revoke")
}

/// Asking before a token is ended, and going back to a page afterwards.
pub fn ask_revoke_token(token: TokenId, back: &str) -> String {
    format!("/tokens/{token}/revoke?next={}", escape(back))
}

/// Moving an environment to another Space: `?to=` rehearses it.
pub fn reassign(app: &str, environment: &str) -> String {
    format!("{APPS}/{app}/environments/{environment}/space")
}

/// The same, with the other Space chosen.
pub fn reassign_to(app: &str, environment: &str, space: &str) -> String {
    format!("{}?to={}", reassign(app, environment), escape(space))
}

/// Deleting a Space: asks first.
pub fn delete_space(space: &str) -> String {
    format!("{SPACES}/{space}/delete")
}

/// The access of an environment.
pub fn environment_access(app: &str, environment: &str) -> String {
    format!("{ACCESS}/{app}/{environment}")
}

/// A Space.
pub fn space(space: &str) -> String {
    format!("{SPACES}/{space}")
}

/// A channel.
pub fn channel(channel: ChannelId) -> String {
    format!("{CHANNELS}/{channel}")
}

/// An event.
pub fn event(service: &str, event: &str) -> String {
    format!("{EVENTS}/{service}/{}", escape(event))
}

/// A service.
pub fn service(service: &str) -> String {
    format!("{SERVICES}/{service}")
}

/// The contract of a service as a file: `json` or `yaml`.
pub fn asyncapi(service: &str, format: &str) -> String {
    format!("{SERVICES}/{service}/asyncapi?format={format}")
}

/// Taking an uploaded service away from a Space: asks first.
pub fn delete_service(service: &str, space: &str) -> String {
    format!("{SERVICES}/{service}/spaces/{space}/delete")
}

/// A list, narrowed to what holds this text.
pub fn narrowed(list: &str, text: &str) -> String {
    format!("{list}?q={}", escape(text))
}

/// A bridge.
pub fn bridge(bridge: BridgeId) -> String {
    format!("{BRIDGES}/{bridge}")
}

/// The wizard's second step of a draft.
pub fn bridge_details(bridge: BridgeId) -> String {
    format!("{BRIDGES}/{bridge}/details")
}

/// The wizard's third step.
pub fn bridge_events(bridge: BridgeId) -> String {
    format!("{BRIDGES}/{bridge}/events")
}

/// Choosing events to add in the third step.
pub fn bridge_add_events(bridge: BridgeId) -> String {
    format!("{BRIDGES}/{bridge}/events/add")
}

/// An act on a bridge (post only): `check`, `start`, `stop`, `go-on`, `set-aside`; `delete` asks first.
pub fn bridge_act(bridge: BridgeId, act: &str) -> String {
    format!("{BRIDGES}/{bridge}/{act}")
}

/// The wizard's third step, at one of its parts, with the policy in a format.
pub fn bridge_events_at(bridge: BridgeId, format: &str, part: &str) -> String {
    format!("{BRIDGES}/{bridge}/events?format={format}#{part}")
}

/// The access policy of a bridge as a file, in a format; of one queue where its number is given.
pub fn bridge_policy(bridge: BridgeId, format: &str, queue: Option<usize>) -> String {
    let queue = queue.map(|n| format!("&queue={n}")).unwrap_or_default();
    format!("{BRIDGES}/{bridge}/policy?format={format}{queue}")
}

/// Why an environment does not receive an event.
pub fn explain(app: &str, environment: &str, service: &str, event: &str) -> String {
    format!("{}/events/{}/{}", self::environment(app, environment), escape(service), escape(event))
}

/// The dead letters of a bridge.
pub fn dead_letters(bridge: BridgeId) -> String {
    format!("{BRIDGES}/{bridge}/dead-letters")
}

/// An act on all of them: `redrive` (post only); `purge` asks first.
pub fn dead_letters_act(bridge: BridgeId, act: &str) -> String {
    format!("{BRIDGES}/{bridge}/dead-letters/{act}")
}

/// One dead letter of a bridge.
pub fn dead_letter(bridge: BridgeId, number: i64) -> String {
    format!("{BRIDGES}/{bridge}/dead-letters/{number}")
}

/// An act on one of them: `redrive`, `restore` (post only); `edit` has a page of its own, `delete` asks first.
pub fn dead_letter_act(bridge: BridgeId, number: i64, act: &str) -> String {
    format!("{BRIDGES}/{bridge}/dead-letters/{number}/{act}")
}

/// Taking a change of the history back.
pub fn revert(number: i64) -> String {
    format!("{HISTORY}/{number}/revert")
}

/// Changing a member (post only).
pub fn member(member: MemberId) -> String {
    format!("{PEOPLE}/{member}")
}

/// A new one-time link for a member (post only).
pub fn member_link(member: MemberId) -> String {
    format!("{PEOPLE}/{member}/link")
}

/// Signing in, and coming back to a page afterwards.
pub fn sign_in_for(path: &str) -> String {
    if path == OVERVIEW { SIGN_IN.to_owned() } else { format!("{SIGN_IN}?next={}", escape(path)) }
}

/// A page of ours to go on to: anything else than a path of this origin leads to the overview.
pub fn local(next: Option<&str>) -> &str {
    match next {
        // Browsers read `//host` and `/\host` as another host.
        Some(path) if path.starts_with('/') && !path[1..].starts_with(['/', '\\']) && path.is_ascii() => path,
        _ => OVERVIEW,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_origin_are_gone_on_to() {
        assert_eq!(local(Some("/apps?q=x")), "/apps?q=x");
        for bad in [None, Some(""), Some("//evil.test"), Some("/\\evil.test"), Some("https://evil.test"), Some("apps")]
        {
            assert_eq!(local(bad), OVERVIEW, "{bad:?}");
        }
    }

    #[test]
    fn what_is_put_into_an_address_cannot_leave_its_place() {
        assert_eq!(narrowed(EVENTS, "a&b=c/../d"), "/events?q=a%26b%3Dc%2F..%2Fd");
        assert_eq!(event("orders", "a/../b"), "/events/orders/a%2F..%2Fb");
    }
}
