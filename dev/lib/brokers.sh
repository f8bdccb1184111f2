# Kafka as a cluster: three brokers, the first of which is also the controller. For tests that hold a broker back or
# take it down, and for nothing else: its data goes when it stops.
#
# Users, passwords and rights are those of the single broker.

brokers=(1 2 3)

# In the order of the brokers: clients try the first one first.
brokers_bootstrap() {
    local number all=()
    for number in "${brokers[@]}"; do all+=("127.0.0.1:$(port "broker-$number")"); done
    (IFS=, && printf '%s' "${all[*]}")
}

# Where tests find the cluster; and what tells dev/broker, which they call, that this one is meant.
brokers_settings() {
    assign EBM_TEST_CLUSTER__BOOTSTRAP "$(brokers_bootstrap)"
    assign EBM_DEV_STATE "$STATE"
    assign EBM_DEV_CACHE "$CACHE"
}

broker_settings() { # NUMBER
    local number=$1 client controller roles=broker listeners
    client=$(port "broker-$number") controller=$(port broker-controller)
    listeners=CLIENT://127.0.0.1:$client
    if ((number == 1)); then
        roles=broker,controller
        listeners+=,CONTROLLER://127.0.0.1:$controller
    fi
    cat <<SETTINGS
process.roles=$roles
node.id=$number
controller.quorum.bootstrap.servers=127.0.0.1:$controller
listeners=$listeners
advertised.listeners=CLIENT://127.0.0.1:$client
log.dirs=$STATE/brokers/$number/data
# A broker that is held back for less is still taken for live.
broker.session.timeout.ms=20000
SETTINGS
    replicated 3 2
    common_kafka_settings
}

# Only the first is given users and the version of the metadata: a broker keeps what the controller sends it, and would
# forget at its next start what it was given itself.
make_brokers() {
    local number
    make_kafka "$STATE/brokers/1" brokers-cluster --standalone
    for number in "${brokers[@]:1}"; do format_kafka "$STATE/brokers/$number" brokers-cluster --no-initial-controllers; done
}

# Starts a broker; one that is held back goes on.
broker_start() { # NUMBER
    local pid
    if pid=$(process_id "broker-$1"); then
        kill -CONT "$pid"
    else
        spawn "broker-$1" simple_kafka_process "$STATE/brokers/$1"
    fi
}

# Holds a broker back: it keeps its connections, and does nothing.
broker_hold() { # NUMBER
    local pid
    pid=$(process_id "broker-$1") || die "broker $1 does not run"
    kill -STOP "$pid"
}

broker_kill() { # NUMBER
    halt "broker-$1" KILL 10
}

# Starts all of them, from nothing.
brokers_start() {
    local number folder=$STATE/brokers
    brokers_stop
    claim_port broker-controller
    for number in "${brokers[@]}"; do
        claim_port "broker-$number"
        mkdir -p "$folder/$number"
        broker_settings "$number" >"$folder/$number/server.properties"
    done
    kafka_admin_properties "$(brokers_bootstrap)" >"$folder/admin.properties"
    step "making the data folders of three brokers" "$STATE/log/brokers-format.log" make_brokers
    for number in "${brokers[@]}"; do broker_start "$number"; done
    for number in "${brokers[@]}"; do
        wait_for "broker $number" 90 "broker-$number" port_in_use "$(port "broker-$number")"
    done
    step "their access lists" "$STATE/log/brokers-grant.log" grant_kafka "$folder"
}

# Killed, since nothing of them is kept: that ends one which is held back, too.
brokers_stop() {
    local number
    for number in "${brokers[@]}"; do broker_kill "$number" || true; done
    rm -rf "$STATE/brokers"
}
