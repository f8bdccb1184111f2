//! Secrets that are shown once, in the direct answer to the act that made them.

use leptos::prelude::*;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    manager::credentials::Credentials,
    web::{
        paths,
        ui::{Code, CopyValue, Fact, Facts, Notice, Panel, Tone},
    },
};

/// A value that is shown once.
pub fn once(label: &'static str, value: &SecretString, lead: String) -> AnyView {
    let value = value.expose_secret().to_owned();
    view! {
        <Panel id="secret" title=label lead=lead>
            <Notice tone=Tone::Warn title="Copy it now: it is shown this once, and not kept."/>
            <Code id="secret-value" label=format!("{label}, to copy") text=value titled=false/>
        </Panel>
    }
    .into_any()
}

/// Credentials in the four forms that apps take them in.
pub fn credentials(made: &Credentials) -> AnyView {
    let Credentials { username, bootstrap_servers, security_protocol, space, group_prefix, .. } = made;
    let password = made.password.expose_secret().to_owned();
    let heartbeat = &made.heartbeat_topic;
    // JAAS takes the value of a quoted string as it is; the password has neither quote nor backslash.
    let properties = format!(
        "bootstrap.servers={bootstrap_servers}\n\
         security.protocol={security_protocol}\n\
         sasl.mechanism=SCRAM-SHA-512\n\
         sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
         username=\"{username}\" password=\"{password}\";\n\
         # Consumer groups must begin with this prefix.\n\
         group.id={group_prefix}main\n"
    );
    let environment = format!(
        "KAFKA_BOOTSTRAP_SERVERS={bootstrap_servers}\n\
         KAFKA_SECURITY_PROTOCOL={security_protocol}\n\
         KAFKA_SASL_MECHANISM=SCRAM-SHA-512\n\
         KAFKA_USERNAME={username}\n\
         KAFKA_PASSWORD={password}\n\
         KAFKA_GROUP_PREFIX={group_prefix}\n\
         EVENT_BROKER_SPACE={space}\n"
    );
    let constants = format!(
        "BusinessEvents.ServerUrl={bootstrap_servers}\n\
         BusinessEvents.Username={username}\n\
         BusinessEvents.Password={password}\n\
         BusinessEvents.EventBrokerSpace={space}\n\
         BusinessEvents.CustomConsumerGroupIdPrefix={group_prefix}\n\
         BusinessEvents.OverrideHeartbeatTopic={heartbeat}\n"
    );
    let (username, servers) = (username.clone(), bootstrap_servers.clone());
    let (space, group_prefix) = (space.clone(), group_prefix.clone());
    let mechanism = format!("SCRAM-SHA-512, {security_protocol}");
    let facts = view! {
        <Facts>
            <Fact label="User"><CopyValue label="user" value=username/></Fact>
            <Fact label="Password"><CopyValue label="password" value=password/></Fact>
            <Fact label="Servers"><CopyValue label="servers" value=servers/></Fact>
            <Fact label="Mechanism">{mechanism}</Fact>
            <Fact label="Space"><CopyValue label="Space" value=space/></Fact>
            <Fact label="Group prefix"><CopyValue label="group prefix" value=group_prefix/></Fact>
        </Facts>
    };
    view! {
        <Notice tone=Tone::Warn title="Copy what you need now: the password is shown this once, and not kept." announce=true>
            <p>"Kafka takes it within seconds. A lost password is replaced by rotating the credentials."</p>
            <p>"What apps send are CloudEvents: "<a href=paths::EVENTS>"the page of an event"</a>" has its topic and headers."</p>
        </Notice>
        <Panel id="values" title="Plain values">{facts}</Panel>
        <Panel id="forms" title="Ready to paste">
            <Code id="properties" label="client.properties" text=properties/>
            <Code id="variables" label="Environment variables" text=environment/>
            <Code id="constants" label="Constants of the Mendix Business Events module" text=constants/>
            <p class="secondary">
                "CustomConsumerGroupIdPrefix and OverrideHeartbeatTopic are there from version 3.12 of the module on."
            </p>
        </Panel>
    }
    .into_any()
}
