# What dev/test asks, one function a question, and how answers are counted.

failures=()
passed=0 failed=0

# Runs a check, notes its failure and goes on.
check() { # NAME LOG COMMAND...
    local name=$1 log=$STATE/log/$2.log status
    shift 2
    # Not `step … ||`: the shell would then ignore failures inside the command.
    set +e
    show_lines=250 step "$name" "$log" "$@"
    status=$?
    set -e
    ((status == 0)) || failures+=("$name")
}

shell_syntax() {
    local file
    cd "$ROOT"
    for file in dev/{run,stop,page,test,broker,faults,guards} dev/lib/*.sh bench/*/run bench/reconcile/broker .ci/run; do bash -n "$file"; done
}

formatted() {
    cd "$ROOT"
    cargo fmt --check
    cargo fmt --check --manifest-path dev/bindgen/Cargo.toml
}

# Clippy in place of the compiler, as a build: the tests then run what it has built, and nothing is compiled twice. The odd
# word separates the arguments that `cargo clippy` would hand over.
by_clippy() { RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS='-Dwarnings__CLIPPY_HACKERY__' "$@"; }

linted() {
    cd "$ROOT"
    by_clippy cargo build --locked --tests --benches --examples
}

licensed() { python3 "$ROOT/dev/licences.py"; }

# The servers, for tests: as the product sees them and as super users do.
test_settings() {
    server_settings
    outside_settings
    brokers_settings
    wrong_broker_settings
    assign DATABASE_URL "$(database_url)"
}

rust_tests() {
    cd "$ROOT"
    set -a
    # shellcheck disable=SC1091
    source "$STATE/tests.env"
    set +a
    # What clippy refuses can be tested all the same.
    local by=by_clippy each
    for each in "${failures[@]}"; do [[ $each != lint ]] || by=; done
    # Tests wait for servers more than they compute.
    RUST_TEST_THREADS=${RUST_TEST_THREADS:-4} $by cargo test --locked --no-fail-fast
}

install_page_tests() {
    cd "$ROOT/end2end"
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-progress --no-audit --no-fund
}

page_tests() {
    cd "$ROOT/end2end"
    set -a
    # shellcheck disable=SC1091
    source "$STATE/env"
    PLAYWRIGHT_CHROMIUM=${PLAYWRIGHT_CHROMIUM:-/usr/bin/chromium}
    PLAYWRIGHT_FIREFOX=${PLAYWRIGHT_FIREFOX:-/usr/bin/firefox-esr}
    set +a
    npx --no-install playwright test --reporter=list --fail-on-flaky-tests
}

without_colours() { sed 's/\x1b\[[0-9;]*[A-Za-z]//g' "$1" 2>/dev/null || true; }

# Adds the numbers of lines such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
count_rust_tests() { # LOG
    local line
    while IFS= read -r line; do
        if [[ $line =~ ^test\ result:\ .*\ ([0-9]+)\ passed\;\ ([0-9]+)\ failed\; ]]; then
            passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        fi
    done < <(without_colours "$1")
}

# Adds the numbers of lines such as `  3 passed (4.0s)`. What passed at a second try only is a failure.
count_page_tests() { # LOG
    local line
    while IFS= read -r line; do
        if [[ $line =~ ^\ +([0-9]+)\ (passed|failed|flaky|interrupted)(\ \(.*\))?$ ]]; then
            if [[ ${BASH_REMATCH[2]} == passed ]]; then passed=$((passed + BASH_REMATCH[1])); else failed=$((failed + BASH_REMATCH[1])); fi
        fi
    done < <(without_colours "$1")
}
