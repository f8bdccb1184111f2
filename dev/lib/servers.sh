# The three servers together. Brokers that a test has for itself are started apart, and stopped with the others.

start_servers() {
    postgres_start
    kafka_start
    ministack_start
    postgres_ready
    ministack_ready
    kafka_ready
}

stop_servers() {
    brokers_stop
    wrong_brokers_stop
    kafka_stop
    ministack_stop
    postgres_stop
}

# Deletes what the servers keep. Ports and passwords stay.
empty_servers() {
    remove_postgres
    rm -rf "$STATE"/{kafka,ministack}
}

# Deletes what the servers keep and what is remembered about them.
forget_servers() {
    empty_servers
    rm -rf "$STATE"/{kept,env,ebm.env}
    open_state
}
