# Brokers that are started wrongly, for the tests of what the console says of such. Each is as the right
# one, but for its ports and what its function below says: in a file of properties the last word counts.
# They live for one run of the tests, and what they hold is thrown away.

wrong_brokers=(kafka-open kafka-lax)

# A super user as which an app logs in.
lax_super_user=it-lax-super.test

kafka_open_faults() {
    cat <<'SETTINGS'
authorizer.class.name=
auto.create.topics.enable=true
connections.max.reauth.ms=0
SETTINGS
}

kafka_lax_faults() {
    cat <<SETTINGS
allow.everyone.if.no.acl.found=true
super.users=User:admin;User:$lax_super_user
SETTINGS
}

wrong_settings() { # NAME
    local client controller
    client=$(port "$1") controller=$(port "$1-controller")
    kafka_settings
    cat <<SETTINGS
controller.quorum.voters=1@127.0.0.1:$controller
listeners=CLIENT://127.0.0.1:$client,CONTROLLER://127.0.0.1:$controller
advertised.listeners=CLIENT://127.0.0.1:$client
log.dirs=$STATE/$1/data
SETTINGS
    "${1//-/_}_faults"
}

wrong_broker_start() { # NAME
    local folder=$STATE/$1
    ! alive "$1" || return 0
    mkdir -p "$folder"
    claim_port "$1"
    claim_port "$1-controller"
    wrong_settings "$1" >"$folder/server.properties"
    kafka_admin_properties "127.0.0.1:$(port "$1")" >"$folder/admin.properties"
    step "making the data folder of $1" "$STATE/log/$1-format.log" make_kafka "$folder" "$1-cluster"
    spawn "$1" simple_kafka_process "$folder"
}

wrong_brokers_start() {
    local name
    for name in "${wrong_brokers[@]}"; do wrong_broker_start "$name"; done
    for name in "${wrong_brokers[@]}"; do wait_for "$name" 90 "$name" port_in_use "$(port "$name")"; done
    # Where nobody asks for rights there are none to give.
    step "access lists of kafka-lax" "$STATE/log/kafka-lax-grant.log" grant_kafka "$STATE/kafka-lax"
}

wrong_brokers_stop() {
    local name
    for name in "${wrong_brokers[@]}"; do
        halt "$name" KILL 10 || true
        rm -rf "${STATE:?}/$name"
    done
}

# How tests reach them.
wrong_broker_settings() {
    assign EBM_TEST_OPEN__BOOTSTRAP "127.0.0.1:$(port kafka-open)"
    assign EBM_TEST_LAX__BOOTSTRAP "127.0.0.1:$(port kafka-lax)"
    assign EBM_TEST_LAX__SUPER_USER "$lax_super_user"
}
