//! Refuses endpoints whose name leads into the private network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};

/// A name of AWS leads to an address that is not of the public Internet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} leads to {address}, which is not a public address")]
pub struct PrivateAddress {
    /// The host's name.
    pub name: String,
    /// The address.
    pub address: IpAddr,
}

/// The system's resolver, with every answer looked at. The connection is made to the address that was looked at, so a
/// second, different answer cannot slip through.
#[derive(Clone, Debug)]
pub(super) struct Guard;

impl ResolveDns for Guard {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            let addresses: Vec<IpAddr> = found.map(|socket| socket.ip()).collect();
            match addresses.iter().find(|address| !is_public(**address)) {
                Some(&address) => Err(ResolveDnsError::new(PrivateAddress { name: name.to_owned(), address })),
                None => Ok(addresses),
            }
        })
    }
}

/// Whether an address is of the public Internet (IANA IPv4 and IPv6 Special-Purpose Address Registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    !(v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_documentation()
        || v4.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && b & 0xfe == 18))
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    // An IPv4 address inside (mapped, or behind NAT64) counts as itself.
    if let Some(v4) = v6.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let segments = v6.segments();
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let [.., a, b, c, d] = v6.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    // All global unicast there is lies in 2000::/3; documentation, tunnels and 6to4 are cut out of it.
    segments[0] & 0xe000 == 0x2000
        && segments[0] != 0x2002
        && !(segments[0] == 0x2001 && (segments[1] < 0x200 || segments[1] == 0xdb8))
        && segments[0] & 0xfff0 != 0x3ff0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_pass() {
        for public in
            ["52.94.5.1", "3.120.0.1", "2a05:d014::1", "2600:1f14::5", "64:ff9b::345e:501", "::ffff:52.94.5.1"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a00:1::",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_refused() {
        let refused = Guard.resolve_dns("localhost").await.unwrap_err();
        let source = std::error::Error::source(&refused).unwrap();
        assert_eq!(source.downcast_ref::<PrivateAddress>().unwrap().name, "localhost");
    }
}
