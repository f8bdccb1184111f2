//! Apps and environments: registering, enabling, the Space an environment joins.

use serde_json::json;
use uuid::Uuid;

use super::{Actor, Error, Manager, Page, Result, Work, actor::Right, commit, error::Check};
use crate::{
    domain::{
        history::Act,
        ids::{AppId, EnvironmentId, SpaceId},
        landscape::{App, Environment, Plan},
        member::{Email, Role},
        names::{AppKey, EnvKey, SpaceName, Title},
    },
    store::{self, grants, principals},
};

pub use store::{
    apps::{AppsBy, Filter, Listed, ListedEnvironment},
    deployments::Deployment,
    grants::Use,
    groups::Reader,
    principals::Principal,
};

/// Technical contacts of an app at most.
const MAX_CONTACTS: usize = 50;

/// What a form or a request says of an app.
#[derive(Clone, Debug, Default)]
pub struct AppDraft {
    /// Key.
    pub key: String,
    /// Name; the key where it is empty.
    pub name: String,
    /// Plan: `licensed` where it is empty.
    pub plan: String,
    /// Addresses of the technical contacts; `None` leaves them as they are.
    pub contacts: Option<Vec<String>>,
}

/// What registering an app did.
#[derive(Debug)]
pub struct Registered {
    /// The app as it is now.
    pub app: App,
    /// Whether it is new.
    pub created: bool,
    /// Whether its name or contacts were other ones.
    pub changed: bool,
    /// People who were invited because their address was unknown, with their one-time links.
    pub invited: Vec<(Email, secrecy::SecretString)>,
}

/// An app with all its page shows.
#[derive(Clone, Debug)]
pub struct AppView {
    /// The app.
    pub app: App,
    /// Its contacts.
    pub contacts: Vec<Email>,
    /// Its environments.
    pub environments: Vec<ListedEnvironment>,
}

/// An environment with all its page shows.
#[derive(Clone, Debug)]
pub struct EnvironmentView {
    /// The environment as lists show it.
    pub listed: ListedEnvironment,
    /// Its app's name.
    pub app_name: Title,
    /// Its credentials, where there are any; never the password.
    pub principal: Option<Principal>,
    /// What it implements and may do.
    pub uses: Vec<Use>,
    /// Its consumer groups at the topics of its Space, as they were last seen.
    pub readers: Vec<Reader>,
    /// Its deployments, newest first.
    pub deployments: Vec<Deployment>,
}

/// An app as it shall be.
pub(super) struct NewApp {
    key: AppKey,
    name: Title,
    plan: Plan,
    /// Sorted, each once; `None` leaves them as they are.
    contacts: Option<Vec<Email>>,
}

impl NewApp {
    /// Its key.
    pub fn key(&self) -> &AppKey {
        &self.key
    }
}

/// What registering something did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It is new.
    Created,
    /// It was there, and was brought up to date.
    Changed,
    /// It was there, as it shall be.
    Same,
}

impl AppDraft {
    /// What it says, or what is wrong with it, each at its field after `at`.
    pub(super) fn parse(&self, check: &mut Check, at: &str) -> Option<NewApp> {
        let key = check.parse::<AppKey>(&format!("{at}key"), &self.key);
        // A key that is one is a title too; one that is not is said once, at the key.
        let name = if self.name.is_empty() {
            key.as_ref().and_then(|key| key.as_str().parse().ok())
        } else {
            check.parse::<Title>(&format!("{at}name"), &self.name)
        };
        let plan = if self.plan.is_empty() { Some(Plan::Licensed) } else { Plan::from_word(&self.plan) };
        match plan {
            Some(Plan::Licensed) => {}
            Some(Plan::Free) => {
                check.add(format!("{at}plan"), "must be licensed: free apps are not supported yet");
            }
            None => check.add(format!("{at}plan"), "must be licensed"),
        }
        let mut contacts = Vec::new();
        for (i, contact) in self.contacts.iter().flatten().enumerate() {
            contacts.extend(check.parse::<Email>(&format!("{at}contacts/{i}"), contact));
        }
        if contacts.len() > MAX_CONTACTS {
            check.add(format!("{at}contacts"), format!("must be at most {MAX_CONTACTS}"));
        }
        contacts.sort();
        contacts.dedup();
        Some(NewApp { key: key?, name: name?, plan: plan?, contacts: self.contacts.is_some().then_some(contacts) })
    }
}

/// Key and name of an environment, or what is wrong with them, each at its field after `at`. The name is the key where
/// it is empty.
pub(super) fn parse_environment(check: &mut Check, at: &str, key: &str, name: &str) -> Option<(EnvKey, Title)> {
    let key = check.parse::<EnvKey>(&format!("{at}key"), key);
    let name = if name.is_empty() {
        key.as_ref().and_then(|key| key.as_str().parse().ok())
    } else {
        check.parse::<Title>(&format!("{at}name"), name)
    };
    Some((key?, name?))
}

impl Manager {
    /// Registers an app, or brings name and contacts of one that is there up to date. Repeating changes nothing.
    pub async fn register_app(&self, actor: &Actor, draft: &AppDraft) -> Result<Registered> {
        self.register(actor, draft, false).await
    }

    /// Registers an app whose key nobody has.
    ///
    /// # Errors
    /// A conflict `app-exists` where somebody has it.
    pub async fn add_app(&self, actor: &Actor, draft: &AppDraft) -> Result<Registered> {
        self.register(actor, draft, true).await
    }

    async fn register(&self, actor: &Actor, draft: &AppDraft, is_to_be_new: bool) -> Result<Registered> {
        let mut check = Check::default();
        let Some(new) = draft.parse(&mut check, "") else { return Err(check.refuse()) };
        check.finish()?;
        let mut tx = self.begin().await?;
        actor.require(Right::Administer, &mut tx).await?;
        let created = claim_app(&mut tx, &new).await?;
        if is_to_be_new && !created {
            return Err(Error::conflict("app-exists", "an app with this key is registered already"));
        }
        let registered = self.put_app(&mut tx, actor, new, created).await?;
        commit(tx).await?;
        Ok(registered)
    }

    /// The same inside a larger change, for whoever may do it, of an app that was claimed.
    pub(super) async fn put_app(&self, tx: &mut Work, actor: &Actor, new: NewApp, created: bool) -> Result<Registered> {
        let NewApp { key, name, plan, contacts } = new;
        let before = store::apps::load_for_update(tx, key.as_str()).await?;
        let contacts_before = store::apps::list_contacts(tx, before.id).await?;
        if before.name != name {
            store::apps::rename(tx, before.id, &name).await?;
        }
        let mut invited = Vec::new();
        let contacts = if let Some(contacts) = contacts {
            let mut ids = Vec::new();
            for email in &contacts {
                let member = self.add_member(tx, actor, email, "", Role::Viewer).await?;
                invited.extend(member.link.map(|link| (email.clone(), link)));
                ids.push(member.id);
            }
            store::apps::set_contacts(tx, before.id, &ids).await?;
            contacts
        } else {
            contacts_before.clone()
        };
        let changed = before.name != name || contacts != contacts_before;
        if created || changed {
            let shown = |name: &Title, contacts: &[Email]| json!({ "name": name, "plan": plan, "contacts": contacts });
            let act = Act {
                name: if created { "app.registered" } else { "app.changed" },
                object_kind: "app",
                object_id: before.id.0,
                object_name: key.to_string(),
                before: (!created).then(|| shown(&before.name, &contacts_before)),
                after: Some(shown(&name, &contacts)),
            };
            tx.record(actor, act);
        }
        let app = store::apps::load_for_update(tx, key.as_str()).await?;
        Ok(Registered { app, created, changed, invited })
    }

    /// Registers an environment, or renames one that is there. Gives whether it is new.
    pub async fn register_environment(&self, actor: &Actor, app: &str, key: &str, name: &str) -> Result<bool> {
        Ok(self.register_in(actor, app, key, name, false).await? == Put::Created)
    }

    /// Registers an environment whose key the app has not yet.
    ///
    /// # Errors
    /// A conflict `environment-exists` where it has.
    pub async fn add_environment(&self, actor: &Actor, app: &str, key: &str, name: &str) -> Result<()> {
        self.register_in(actor, app, key, name, true).await.map(drop)
    }

    async fn register_in(&self, actor: &Actor, app: &str, key: &str, name: &str, is_to_be_new: bool) -> Result<Put> {
        let mut check = Check::default();
        let Some(new) = parse_environment(&mut check, "", key, name) else { return Err(check.refuse()) };
        let mut tx = self.begin().await?;
        actor.require(Right::Administer, &mut tx).await?;
        let app = store::apps::load_for_update(&mut tx, app).await?;
        let put = put_environment(&mut tx, actor, &app, new).await?;
        if is_to_be_new && put != Put::Created {
            return Err(Error::conflict("environment-exists", "the app has an environment with this key already"));
        }
        commit(tx).await?;
        Ok(put)
    }

    /// Enables or disables the broker on the app's level. Repeating changes nothing.
    pub async fn set_app_broker(&self, actor: &Actor, app: &str, enabled: bool) -> Result<()> {
        let mut tx = self.begin().await?;
        let app = store::apps::load_for_update(&mut tx, app).await?;
        actor.require(Right::ActFor(app.id), &mut tx).await?;
        switch_app(&mut tx, actor, &app, enabled).await?;
        commit(tx).await
    }

    /// Enables or disables the broker on the environment's level. Repeating changes nothing.
    ///
    /// Once both levels are enabled the environment joins the Space named after it, unless it has one already.
    pub async fn set_environment_broker(&self, actor: &Actor, app: &str, key: &str, enabled: bool) -> Result<()> {
        let mut tx = self.begin().await?;
        // The app's row orders this against a change on its own level.
        let app = store::apps::load_for_update(&mut tx, app).await?;
        // What one may not change one still may know of.
        let environment = store::apps::find_environment(&mut tx, app.key.as_str(), key).await?;
        let environment = environment.ok_or(Error::NotFound("environment"))?;
        actor.require(Right::ActFor(app.id), &mut tx).await?;
        switch_environment(&mut tx, actor, &app, &environment, enabled).await?;
        commit(tx).await
    }

    /// A page of the apps.
    pub async fn list_apps(&self, actor: &Actor, filter: &Filter) -> Result<Page<Listed>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::apps::list(&mut db, filter).await?)
    }

    /// Keys and names of the apps that the actor is a technical contact of, by key. None for who is no member.
    pub async fn list_own_apps(&self, actor: &Actor) -> Result<Vec<(String, String)>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        match actor.member() {
            Some(member) => Ok(store::apps::list_of_contact(&mut db, member).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Keys and names of the apps that have an environment in a Space, by key: what lists are narrowed by.
    pub async fn list_apps_in_spaces(&self, actor: &Actor) -> Result<Vec<(String, String)>> {
        let mut db = self.read_as(actor, Right::Look).await?;
        Ok(store::apps::list_in_spaces(&mut db).await?)
    }

    /// An app with its contacts and environments.
    pub async fn load_app(&self, actor: &Actor, key: &str) -> Result<AppView> {
        let mut db = self.read_as(actor, Right::Look).await?;
        let app = store::apps::find(&mut db, key).await?.ok_or(Error::NotFound("app"))?;
        let contacts = store::apps::list_contacts(&mut db, app.id).await?;
        let environments = store::apps::list_environments(&mut db, app.id).await?;
        Ok(AppView { app, contacts, environments })
    }

    /// An environment with what it may do and what was deployed.
    pub async fn load_environment(&self, actor: &Actor, app: &str, key: &str) -> Result<EnvironmentView> {
        let AppView { app, environments, .. } = self.load_app(actor, app).await?;
        let listed = environments.into_iter().find(|e| e.environment.key.as_str() == key);
        let listed = listed.ok_or(Error::NotFound("environment"))?;
        let mut db = self.read().await?;
        let id = listed.environment.id;
        Ok(EnvironmentView {
            listed,
            app_name: app.name,
            principal: principals::find(&mut db, id).await?,
            uses: grants::list_uses(&mut db, id).await?,
            readers: store::groups::list_of_environment(&mut db, id).await?,
            deployments: store::deployments::list(&mut db, id).await?,
        })
    }
}

/// Adds the app unless it is there, and locks it until the transaction ends. Gives whether it is new.
pub(super) async fn claim_app(db: &mut store::PgConnection, new: &NewApp) -> Result<bool> {
    let created = store::apps::insert(db, AppId(Uuid::now_v7()), &new.key, &new.name, new.plan).await?;
    store::apps::load_for_update(db, new.key.as_str()).await?;
    Ok(created)
}

/// Registers or renames an environment inside a larger change, for whoever may do it.
pub(super) async fn put_environment(
    tx: &mut Work,
    actor: &Actor,
    app: &App,
    (key, name): (EnvKey, Title),
) -> Result<Put> {
    let id = EnvironmentId(Uuid::now_v7());
    let created = store::apps::insert_environment(tx, id, app.id, &key, &name).await?;
    let before = store::apps::find_environment(tx, app.key.as_str(), key.as_str()).await?;
    let before = before.ok_or(Error::NotFound("environment"))?;
    let renamed = before.name != name;
    if renamed {
        store::apps::rename_environment(tx, before.id, &name).await?;
    }
    if created || renamed {
        let act = Act {
            name: if created { "environment.registered" } else { "environment.renamed" },
            object_kind: "environment",
            object_id: before.id.0,
            object_name: format!("{}.{key}", app.key),
            before: (!created).then(|| json!({ "name": before.name })),
            after: Some(json!({ "name": name })),
        };
        tx.record(actor, act);
    }
    Ok(match (created, renamed) {
        (true, _) => Put::Created,
        (false, true) => Put::Changed,
        (false, false) => Put::Same,
    })
}

/// Enables or disables an app inside a larger change, for whoever may do it. Gives whether it changed anything.
pub(super) async fn switch_app(tx: &mut Work, actor: &Actor, app: &App, enabled: bool) -> Result<bool> {
    if app.broker_enabled == enabled {
        return Ok(false);
    }
    store::apps::set_broker(tx, app.id, enabled).await?;
    if enabled {
        for environment in store::apps::list_without_space(tx, app.id).await? {
            join_space(tx, &environment).await?;
        }
    }
    let act = Act {
        name: if enabled { "app.enabled" } else { "app.disabled" },
        object_kind: "app",
        object_id: app.id.0,
        object_name: app.key.to_string(),
        before: Some(json!({ "enabled": !enabled })),
        after: Some(json!({ "enabled": enabled })),
    };
    tx.record(actor, act);
    Ok(true)
}

/// Enables or disables an environment inside a larger change, for whoever may do it. Gives whether it changed anything.
pub(super) async fn switch_environment(
    tx: &mut Work,
    actor: &Actor,
    app: &App,
    environment: &Environment,
    enabled: bool,
) -> Result<bool> {
    if environment.enabling.environment == enabled {
        return Ok(false);
    }
    store::apps::set_environment_broker(tx, environment.id, enabled).await?;
    if enabled && app.broker_enabled && environment.space.is_none() {
        join_space(tx, environment).await?;
    }
    let after = store::apps::load_environment(tx, environment.id).await?;
    let shown =
        |e: &Environment| json!({ "enabled": e.enabling.environment, "space": e.space.as_ref().map(|s| &s.name) });
    let act = Act {
        name: if enabled { "environment.enabled" } else { "environment.disabled" },
        object_kind: "environment",
        object_id: environment.id.0,
        object_name: format!("{}.{}", app.key, environment.key),
        before: Some(shown(environment)),
        after: Some(shown(&after)),
    };
    tx.record(actor, act);
    Ok(true)
}

/// Puts an environment into the Space named after it, created if absent.
async fn join_space(db: &mut store::PgConnection, environment: &Environment) -> Result<()> {
    let name = SpaceName::of_environment(environment.name.as_str(), &environment.key);
    let space = store::spaces::find_or_insert(db, SpaceId(Uuid::now_v7()), &name).await?;
    Ok(store::apps::set_space(db, environment.id, space.id).await?)
}
