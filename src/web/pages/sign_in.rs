//! Signing in and out, setting a password by a one-time link, choosing the theme.

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use leptos::prelude::*;
use secrecy::SecretString;
use serde::Deserialize;

use super::parts::{Typed, form_error};
use crate::{
    manager::{Error, Manager},
    web::{
        Web, paths,
        refusal::{beside_fields, status},
        ui::{ButtonKind, ButtonLink, Errors, Field, Notice, Submit, Theme, Tone},
        visit::{Guest, THEME_COOKIE, Visit},
    },
};

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route(paths::SIGN_IN, get(sign_in_page).post(sign_in))
        .route(paths::SIGN_OUT, post(sign_out))
        .route(paths::THEME, post(choose_theme))
        .route("/password/{secret}", get(password_page).post(set_password))
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

async fn sign_in_page(visit: Option<Visit>, guest: Guest, Query(Next { next }): Query<Next>) -> Response {
    let next = paths::local(next.as_deref()).to_owned();
    if visit.is_some() {
        return Redirect::to(&next).into_response();
    }
    guest.render(StatusCode::OK, "Sign in", false, move || sign_in_view("", &next, &Errors::default())).await
}

async fn sign_in(guest: Guest, State(manager): State<Manager>, typed: Typed) -> Response {
    let next = paths::local(typed.find("next")).to_owned();
    let email = typed.get("email");
    match manager.sign_in(&email, SecretString::from(typed.get("password"))).await {
        Ok(member) => match guest.sign_in(&member).await {
            Ok(()) => Redirect::to(&next).into_response(),
            Err(error) => again(&guest, email, next, Error::internal(error)).await,
        },
        Err(error) => again(&guest, email, next, error).await,
    }
}

async fn again(guest: &Guest, email: String, next: String, error: Error) -> Response {
    if let Error::Internal(source) = &error {
        tracing::error!(error = ?source, "signing in failed");
    }
    let errors = match &error {
        // Not which of the two is wrong.
        Error::Invalid(_) => {
            let text = "Address and password do not fit together. Check both, or ask an admin for a new link.";
            std::iter::once(("", text)).collect()
        }
        _ => beside_fields(&error)
            .unwrap_or_else(|| std::iter::once(("", "Something went wrong. Try again in a moment.")).collect()),
    };
    guest.render(status(&error), "Sign in", false, move || sign_in_view(&email, &next, &errors)).await
}

fn sign_in_view(email: &str, next: &str, errors: &Errors) -> AnyView {
    let (email, next) = (email.to_owned(), next.to_owned());
    view! {
        <h1>"Sign in"</h1>
        {form_error(errors)}
        <form method="post" action=paths::SIGN_IN class="stack">
            <input type="hidden" name="next" value=next/>
            <Field label="E-mail" name="email" kind="email" value=email autocomplete="username" autofocus=true/>
            <Field label="Password" name="password" kind="password" autocomplete="current-password"/>
            <Submit kind=ButtonKind::Primary>"Sign in"</Submit>
        </form>
        <p class="secondary">"No account, or the password is lost? An admin sends you a one-time link."</p>
    }
    .into_any()
}

async fn sign_out(guest: Guest) -> Response {
    if let Err(error) = guest.sign_out().await {
        tracing::warn!(%error, "a session could not be ended");
        let text = "You are still signed in: the console cannot reach its database. Try again in a moment.";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return guest.render(status, "Not available", false, move || crate::web::visit::notice(text.into())).await;
    }
    Redirect::to(paths::SIGN_IN).into_response()
}

async fn choose_theme(typed: Typed) -> Response {
    let next = paths::local(typed.find("next")).to_owned();
    let Ok(theme) = typed.get("theme").parse::<Theme>() else {
        return (StatusCode::UNPROCESSABLE_ENTITY, "theme must be light, dark or system\n").into_response();
    };
    let cookie = format!("{THEME_COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly", theme.name());
    let mut response = Redirect::to(&next).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn password_page(guest: Guest, State(manager): State<Manager>, Path(secret): Path<String>) -> Response {
    match manager.find_by_link(&secret).await {
        Ok(Some(member)) => {
            let email = member.email.to_string();
            guest
                .render(StatusCode::OK, "Set your password", false, move || {
                    password_view(&secret, &email, &Errors::default())
                })
                .await
        }
        Ok(None) => used_up(&guest).await,
        Err(error) => again(&guest, String::new(), paths::OVERVIEW.into(), error).await,
    }
}

async fn set_password(
    guest: Guest,
    State(manager): State<Manager>,
    Path(secret): Path<String>,
    typed: Typed,
) -> Response {
    let email = match manager.find_by_link(&secret).await {
        Ok(Some(member)) => member.email.to_string(),
        Ok(None) => return used_up(&guest).await,
        Err(error) => return again(&guest, String::new(), paths::OVERVIEW.into(), error).await,
    };
    let outcome = if typed.get("password") == typed.get("again") {
        manager.set_password(&secret, SecretString::from(typed.get("password"))).await
    } else {
        Err(Error::field("again", "differs from the password: type the same twice"))
    };
    let error = match outcome {
        Ok(id) => match manager.find_member(id).await {
            Ok(Some(member)) if guest.sign_in(&member).await.is_ok() => {
                return Redirect::to(paths::OVERVIEW).into_response();
            }
            _ => return Redirect::to(paths::SIGN_IN).into_response(),
        },
        Err(Error::NotFound(_)) => return used_up(&guest).await,
        Err(error) => error,
    };
    let errors = beside_fields(&error).unwrap_or_default();
    guest.render(status(&error), "Set your password", false, move || password_view(&secret, &email, &errors)).await
}

fn password_view(secret: &str, email: &str, errors: &Errors) -> AnyView {
    let email = email.to_owned();
    view! {
        <h1>"Set your password"</h1>
        <p class="lead">"For " <strong>{email.clone()}</strong> ". This link works once."</p>
        {form_error(errors)}
        <form method="post" action=paths::password(secret) class="stack">
            // For password managers: they keep the password under this name.
            <input type="hidden" name="username" autocomplete="username" value=email/>
            <Field label="Password" name="password" kind="password" autocomplete="new-password"
                error=errors.get("password") hint="At least 12 characters. A sentence is easy to keep in mind." autofocus=true/>
            <Field label="Again" name="again" kind="password" autocomplete="new-password" error=errors.get("again")/>
            <Submit kind=ButtonKind::Primary>"Set password and sign in"</Submit>
        </form>
    }
    .into_any()
}

async fn used_up(guest: &Guest) -> Response {
    guest
        .render(StatusCode::NOT_FOUND, "Link used up", false, || {
            view! {
                <h1>"This link is used up"</h1>
                <Notice tone=Tone::Warn title="It was used, replaced by a newer one, or has expired.">
                    <p>"Sign in if you have set your password; else ask an admin for a new link."</p>
                </Notice>
                <p><ButtonLink href=paths::SIGN_IN kind=ButtonKind::Primary>"Sign in"</ButtonLink></p>
            }
            .into_any()
        })
        .await
}
