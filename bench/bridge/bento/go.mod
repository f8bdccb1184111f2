module bento

go 1.23.0

require github.com/warpstreamlabs/bento v1.10.0

// As in Bento's own go.mod, of which only a main module's lines count.
replace (
	github.com/99designs/keyring => github.com/Jeffail/keyring v1.2.3
	inet.af/peercred => github.com/tailscale/peercred v0.0.0-20240214030740-b535050b2aa4
)
