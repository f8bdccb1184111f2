# Cargo's part: the executable.

TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
PROFILE=debug

# The statements' checked descriptions are committed: a build needs no database.
export SQLX_OFFLINE=true

ebm_program() { printf '%s' "$TARGET/$PROFILE/ebm"; }

cargo_build() {
    local release=()
    [[ $PROFILE == debug ]] || release=(--release)
    cd "$ROOT"
    # With the tests' own packages in sight, so that tests do not build the others anew.
    cargo build --locked --bin ebm --example landscape "${release[@]}"
}

build_ebm() { step "building ebm" "$STATE/log/build.log" cargo_build; }
