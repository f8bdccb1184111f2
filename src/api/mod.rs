//! `/api/v1`: extract, call the manager, answer.
//!
//! Bearer tokens only; a cookie means nothing here. Every route is in one table, with the parameters that its query
//! may have; every refusal is made in [`problem`]. Knows the manager, the words of the domain, and how JSON is read.
//!
//! | module | owns |
//! |---|---|
//! | `caller` | who calls |
//! | `extract`, `body`, `form` | what stands in the path, the query and the body |
//! | `answer` | parts that many answers share |
//! | [`problem`] | refusals |
//! | [`openapi`] | the description of the API |
//! | `access`, `apps`, `explain`, `import`, `deployments`, `catalogue`, `services`, `bridges`, `dead_letters`, `members`, `tokens`, `changes`, `cluster` | one noun each |

mod access;
mod answer;
mod apps;
mod body;
mod bridges;
mod caller;
mod catalogue;
mod changes;
mod cluster;
mod dead_letters;
mod deployments;
mod explain;
mod extract;
mod form;
mod import;
mod members;
pub mod openapi;
pub mod problem;
mod services;
mod tokens;

use axum::{
    Router,
    extract::Request,
    handler::Handler,
    http::{HeaderValue, Method, header},
    middleware::{self, Next},
    response::IntoResponse,
    routing::{MethodFilter, MethodRouter, get, on},
};
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};

use crate::manager::Manager;
use extract::Params;
use problem::Problem;

/// A method on a path.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path under `/api/v1`, with its parameters in braces.
    pub path: &'static str,
    /// The parameters that the query may have.
    pub query: &'static [&'static str],
    handler: MethodRouter<Manager>,
}

const PAGE: &[&str] = &["q", "limit", "cursor"];
const CATALOGUE: &[&str] = &["q", "space", "app", "limit", "cursor"];

/// Every route there is: the router is made of this and nothing else.
pub fn routes() -> Vec<Route> {
    const GET: Method = Method::GET;
    const PUT: Method = Method::PUT;
    const POST: Method = Method::POST;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    vec![
        route(GET, "/apps", PAGE, apps::list),
        route(GET, "/apps/{app}", &[], apps::load),
        route(PUT, "/apps/{app}", &[], apps::register),
        route(PUT, "/apps/{app}/broker", &[], apps::set_broker),
        route(GET, "/apps/{app}/environments/{env}", &[], apps::load_environment),
        route(PUT, "/apps/{app}/environments/{env}", &[], apps::register_environment),
        route(PUT, "/apps/{app}/environments/{env}/broker", &[], apps::set_environment_broker),
        route(POST, "/apps/{app}/environments/{env}/credentials", &[], apps::create_credentials),
        route(GET, "/apps/{app}/environments/{env}/deployment", &[], deployments::load),
        route(PUT, "/apps/{app}/environments/{env}/deployment", &["dry_run", "wait"], deployments::report),
        route(GET, "/apps/{app}/environments/{env}/events/{service}/{event}/explain", &[], explain::explain),
        route(POST, "/import", &["dry_run"], import::import),
        route(GET, "/spaces", PAGE, catalogue::list_spaces),
        route(GET, "/spaces/{space}", &[], catalogue::load_space),
        route(PUT, "/spaces/{space}", &[], catalogue::create_space),
        route(DELETE, "/spaces/{space}", &[], catalogue::delete_space),
        route(POST, "/spaces/{space}/moves", &[], catalogue::move_environment),
        route(PUT, "/spaces/{space}/grants", &[], access::set),
        route(GET, "/findings", CATALOGUE, access::findings),
        route(GET, "/channels", CATALOGUE, catalogue::list_channels),
        route(GET, "/channels/{channel}", &[], catalogue::load_channel),
        route(GET, "/events", CATALOGUE, catalogue::list_events),
        route(GET, "/services", CATALOGUE, catalogue::list_services),
        route(POST, "/services", &["dry_run"], services::upload),
        route(DELETE, "/services/{service}/spaces/{space}", &[], services::delete),
        route(GET, "/services/{service}/asyncapi", &["format"], services::asyncapi),
        route(GET, "/bridges", &["q", "space", "limit", "cursor"], bridges::list),
        route(POST, "/bridges", &[], bridges::create),
        route(GET, "/bridges/{bridge}", &[], bridges::load),
        route(PUT, "/bridges/{bridge}", &[], bridges::replace),
        route(DELETE, "/bridges/{bridge}", &["version"], bridges::delete),
        route(GET, "/bridges/{bridge}/policy", &["format"], bridges::policy),
        route(POST, "/bridges/{bridge}/check", &[], bridges::check),
        route(POST, "/bridges/{bridge}/start", &[], bridges::start),
        route(POST, "/bridges/{bridge}/stop", &[], bridges::stop),
        route(POST, "/bridges/{bridge}/go-on", &[], bridges::go_on),
        route(POST, "/bridges/{bridge}/set-aside", &[], bridges::set_aside),
        route(GET, "/bridges/{bridge}/dead-letters", &["limit", "cursor"], dead_letters::list),
        route(DELETE, "/bridges/{bridge}/dead-letters", &["up_to", "count"], dead_letters::purge),
        route(POST, "/bridges/{bridge}/dead-letters/redrive", &[], dead_letters::redrive_all),
        route(GET, "/bridges/{bridge}/dead-letters/{letter}", &[], dead_letters::load),
        route(PUT, "/bridges/{bridge}/dead-letters/{letter}", &[], dead_letters::edit),
        route(DELETE, "/bridges/{bridge}/dead-letters/{letter}", &[], dead_letters::purge_one),
        route(POST, "/bridges/{bridge}/dead-letters/{letter}/restore", &[], dead_letters::restore),
        route(POST, "/bridges/{bridge}/dead-letters/{letter}/redrive", &[], dead_letters::redrive),
        route(GET, "/members", PAGE, members::list),
        route(POST, "/members", &[], members::invite),
        route(PATCH, "/members/{member}", &[], members::change),
        route(GET, "/tokens", &["app", "env", "limit", "cursor"], tokens::list),
        route(POST, "/tokens", &[], tokens::create),
        route(DELETE, "/tokens/{token}", &[], tokens::revoke),
        route(GET, "/cluster", &[], cluster::load),
        route(POST, "/cluster/decisions", &[], cluster::decide),
        route(GET, "/changes", &["q", "object", "limit", "cursor"], changes::list),
        route(POST, "/changes/{number}/revert", &["dry_run"], changes::revert),
    ]
}

fn route<T: 'static>(
    method: Method,
    path: &'static str,
    query: &'static [&'static str],
    handler: impl Handler<T, Manager>,
) -> Route {
    let filter = MethodFilter::try_from(method.clone()).expect("the router knows this method");
    let read_query = move |mut request: Request, next: Next| async move {
        match Params::read(request.uri(), query) {
            Ok(params) => {
                request.extensions_mut().insert(params);
                next.run(request).await
            }
            Err(problem) => problem.into_response(),
        }
    };
    Route { method, path, query, handler: on(filter, handler).route_layer(middleware::from_fn(read_query)) }
}

/// The API, to be nested at `/api/v1`.
pub fn router(manager: Manager) -> Router {
    // Answers hold what one caller may see, some of them secrets shown once: nobody in between keeps them.
    let no_store = SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    routes()
        .into_iter()
        .fold(Router::new(), |router, route| router.route(route.path, route.handler))
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(middleware::from_fn_with_state(manager.clone(), caller::authenticate))
        .route("/openapi.json", get(openapi::show))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(no_store)
        .with_state(manager)
}
