# Kafka: one broker that is its own controller, with SCRAM users and ACLs.
#
# admin is a super user, for tests and tools that must not depend on the console's rights.
# ebm-console administers; ebm-worker moves events.

kafka_users=(admin ebm-console ebm-worker)

kafka_password() { kept "kafka-$1" random_password; }

kafka_libs() { printf '%s' "$CACHE/kafka/$(hash_of <"$ROOT/dev/kafka/pom.xml")"; }

install_kafka() {
    local libs
    libs=$(kafka_libs)
    rm -rf "$libs"
    mvn -q -B -f "$ROOT/dev/kafka/pom.xml" package "-Dlibs=$libs"
    touch "$libs/complete"
}

# Class data of the broker's own classes, shared between starts: halves the time of a start. It is
# written when a broker ends, and holds for this Java and these jars only.
kafka_archive() {
    printf '%s/kafka/%s.jsa' "$CACHE" "$(java_identity "$(kafka_libs)" | hash_of)"
}
java_identity() { # LIBS
    local java
    java=$(readlink -f "$(command -v java)")
    stat -c '%n %s %Y' "$java" "$1"/*.jar
}

kafka_classes() {
    local jars=("$(kafka_libs)"/*.jar)
    # The order must not change: the archive names it.
    (IFS=: && printf '%s' "${jars[*]}")
}

# Java reads its arguments from this file: passwords and the long class path stay out of sight.
kafka_arguments() { # FILE ARGUMENT...
    local file=$1 argument
    shift
    for argument; do
        argument=${argument//\\/\\\\}
        printf '"%s"\n' "${argument//\"/\\\"}"
    done >"$file"
}

# What makes this broker the only one.
kafka_settings() {
    local client controller
    client=$(port kafka) controller=$(port kafka-controller)
    cat <<SETTINGS
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=CLIENT://127.0.0.1:$client,CONTROLLER://127.0.0.1:$controller
advertised.listeners=CLIENT://127.0.0.1:$client
log.dirs=$STATE/kafka/data
SETTINGS
    replicated 1 1
    common_kafka_settings
}

# How often everything is kept, and how often at least for a write to count.
replicated() { # REPLICAS LEAST
    cat <<SETTINGS
default.replication.factor=$1
min.insync.replicas=$2
offsets.topic.replication.factor=$1
transaction.state.log.replication.factor=$1
transaction.state.log.min.isr=$2
share.coordinator.state.topic.replication.factor=$1
share.coordinator.state.topic.min.isr=$2
SETTINGS
}

# Who may do what, and how little is enough: the same for every broker here.
common_kafka_settings() {
    local login controller_password
    login=org.apache.kafka.common.security
    controller_password=$(kept kafka-controller random_password)
    cat <<SETTINGS
listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.client.scram-sha-512.sasl.jaas.config=$login.scram.ScramLoginModule required username="admin" password="$(kafka_password admin)";
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config=$login.plain.PlainLoginModule required username="admin" password="$controller_password" user_admin="$controller_password";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin
allow.everyone.if.no.acl.found=false
auto.create.topics.enable=false
# A deleted user is cut off after this time at the latest.
connections.max.reauth.ms=60000
offsets.topic.num.partitions=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.num.partitions=1
num.partitions=1
group.initial.rebalance.delay.ms=0
num.network.threads=1
num.io.threads=2
num.replica.fetchers=1
log.cleaner.dedupe.buffer.size=2097152
log.cleaner.threads=1
background.threads=1
num.recovery.threads.per.data.dir=1
# Kafka 4.4 may forget all users where it learns only from its log that one of them was deleted; a snapshot helps.
metadata.log.max.record.bytes.between.snapshots=4096
SETTINGS
}

kafka_admin_properties() { # SERVERS [USER]
    local user=${2:-admin}
    cat <<SETTINGS
bootstrap.servers=$1
security.protocol=SASL_PLAINTEXT
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="$user" password="$(kafka_password "$user")";
default.api.timeout.ms=60000
SETTINGS
}

java_options=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn)

choose_cluster_id() { head -c 16 /dev/urandom | base64 | tr '+/' 'xy' | cut -c 1-22; }

# Makes the data folder of a broker with its users, beside its settings.
make_kafka() { # FOLDER CLUSTER OPTION...
    local user users=()
    for user in "${kafka_users[@]}"; do
        users+=(--add-scram "SCRAM-SHA-512=[name=$user,password=$(kafka_password "$user")]")
    done
    format_kafka "$@" "${users[@]}"
}

format_kafka() { # FOLDER CLUSTER OPTION...
    local folder=$1 cluster=$2
    shift 2
    rm -rf "$folder/data"
    kafka_arguments "$folder/format.args" -Xmx64m "${java_options[@]}" -cp "$(kafka_classes)" kafka.tools.StorageTool \
        format -t "$(kept "$cluster" choose_cluster_id)" -c "$folder/server.properties" "$@"
    # It would print what it keeps of passwords.
    java "@$folder/format.args" | { grep -v '^Bootstrap metadata' || true; }
    rm "$folder/format.args"
    touch "$folder/data/complete"
}

# Becomes the broker whose settings lie in a folder.
become_kafka() { # FOLDER OPTION...
    local folder=$1
    shift
    kafka_arguments "$folder/start.args" "${java_options[@]}" "$@" -cp "$(kafka_classes)" kafka.Kafka "$folder/server.properties"
    cd "$folder"
    exec setsid java "@$folder/start.args"
}

# One that leaves no class data behind.
simple_kafka_process() { # FOLDER [HEAP]
    local archive share=()
    archive=$(kafka_archive)
    [[ ! -s $archive ]] || share=("-XX:SharedArchiveFile=$archive")
    become_kafka "$1" -Xmx"${2:-192m}" "${share[@]}"
}

kafka_process() {
    local folder=$STATE/kafka archive share
    archive=$(kafka_archive)
    if [[ -s $archive ]]; then share=-XX:SharedArchiveFile=$archive; else share=-XX:ArchiveClassesAtExit=$folder/new.jsa; fi
    rm -f "$folder/new.jsa"
    become_kafka "$folder" -Xmx128m "$share"
}

kafka_start() {
    local folder=$STATE/kafka
    ! alive kafka || return 0
    mkdir -p "$folder"
    claim_port kafka
    claim_port kafka-controller
    kafka_settings >"$folder/server.properties"
    kafka_admin_properties "127.0.0.1:$(port kafka)" >"$folder/admin.properties"
    [[ -f $folder/data/complete ]] || step "making the Kafka data folder" "$STATE/log/kafka-format.log" make_kafka "$folder" kafka-cluster
    spawn kafka kafka_process
}

grant_kafka() { # FOLDER
    java -Xmx64m "${java_options[@]}" -cp "$(kafka_libs)/*" "$ROOT/dev/kafka/Grant.java" "$1/admin.properties"
}

kafka_ready() {
    wait_for "Kafka" 90 kafka port_in_use "$(port kafka)"
    # Answered by the broker over SASL as an administrator: the proof that it is up.
    step "its access lists" "$STATE/log/kafka-grant.log" grant_kafka "$STATE/kafka"
}

# A broker that leaves the shared class data behind takes longer to end. Only one that ended by itself
# has written all of it.
kafka_stop() {
    local new=$STATE/kafka/new.jsa
    if halt kafka TERM 40 && [[ -s $new ]]; then mv "$new" "$(kafka_archive)" || true; fi
    rm -f "$new"
}
