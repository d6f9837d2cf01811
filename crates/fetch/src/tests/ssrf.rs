//! Server-side request forgery: attempts to reach the local network. Each has a source, and each
//! must be refused before a connection is made.
//!
//! Every attempt uses the real [`Fetcher`] and real sockets. A [`Canary`] listens on `PORT`, where
//! the attempt leads, and must see no connection. Without the rule the same attempts reach it,
//! which shows that they lead there. The machine answers on all of 127.0.0.0/8, so 127.0.0.1 can
//! stand for a public host and 127.0.0.2 for a private one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use url::Url;

use super::sockets::{Canary, head, serve};
use crate::names::AddressRule;
use crate::{FetchError, FetchSettings, Fetcher, Response, Validators, Want};

/// An attempt: the address as in a feed, why it is refused, and its source.
type Trick = (&'static str, &'static str, &'static str);

const OWASP: &str = "OWASP Server-Side Request Forgery Prevention Cheat Sheet";
const PORTSWIGGER: &str = "PortSwigger, URL validation bypass cheat sheet";
const URL_IPV4: &str = "WHATWG URL, 3.5 IPv4 parser";
const URL_HOST: &str = "WHATWG URL, 3.5 host parser (percent-decode, domain to ASCII)";
const UTS46: &str =
    "Unicode Technical Standard 46, mapping of full-width and enclosed digits and of other dots";
const URL_STATES: &str = "WHATWG URL, 4.4 URL parsing (special authority slashes, tab and newline)";
const IANA4: &str = "IANA IPv4 Special-Purpose Address Registry";
const IANA6: &str = "IANA IPv6 Special-Purpose Address Registry";

/// Spellings of 127.0.0.1, and names that resolve to it.
const LOOPBACK: &[Trick] = &[
    ("http://127.0.0.1:PORT/", "loopback", "RFC 1122, 3.2.1.3 (g)"),
    ("http://127.0.0.1.:PORT/", "loopback", URL_IPV4),
    ("http://127.1:PORT/", "loopback", "CVE-2024-29415 (npm ip)"),
    ("http://127.0.1:PORT/", "loopback", "inet_aton(3), POSIX"),
    ("http://2130706433:PORT/", "loopback", PORTSWIGGER),
    ("http://2130706433.:PORT/", "loopback", URL_IPV4),
    ("http://0x7f000001:PORT/", "loopback", PORTSWIGGER),
    ("http://0X7F000001:PORT/", "loopback", URL_IPV4),
    ("http://0x7F.0x0.0x0.0x1:PORT/", "loopback", URL_IPV4),
    ("http://0x7f.1:PORT/", "loopback", "CVE-2023-42282 (npm ip)"),
    ("http://0x7f.0.0x1:PORT/", "loopback", URL_IPV4),
    ("http://0177.0.0.1:PORT/", "loopback", "CVE-2021-28918 (npm netmask), CVE-2021-29922 (Rust std)"),
    ("http://0177.0.0.01:PORT/", "loopback", "CVE-2021-29921 (Python ipaddress), CVE-2021-29923 (Go)"),
    ("http://0000000177.0.0.1:PORT/", "loopback", "CVE-2021-29921 (Python ipaddress)"),
    ("http://017700000001:PORT/", "loopback", "CVE-2025-59436 (npm ip)"),
    ("http://0x7f.0.1:PORT/", "loopback", "inet_aton(3), POSIX"),
    ("http://%31%32%37.0.0.1:PORT/", "loopback", URL_HOST),
    ("http://127%2e0%2e0%2e1:PORT/", "loopback", URL_HOST),
    ("http://%30%78%37%66.1:PORT/", "loopback", URL_HOST),
    ("http://１２７.０.０.１:PORT/", "loopback", UTS46),
    ("http://①②⑦.⓪.⓪.①:PORT/", "loopback", UTS46),
    ("http://127。0。0。1:PORT/", "loopback", UTS46),
    ("http://127｡0．0。1:PORT/", "loopback", UTS46),
    ("http://１２７.1:PORT/", "loopback", UTS46),
    ("http://0x７f.1:PORT/", "loopback", UTS46),
    ("http://127.0\u{ad}.0.1:PORT/", "loopback", "Unicode Technical Standard 46, ignored soft hyphen"),
    ("http://0:PORT/", "this network", OWASP),
    ("http://0.0.0.0:PORT/", "this network", "RFC 1122, 3.2.1.3 (a); IANA IPv4 registry, 0.0.0.0/8"),
    ("http://[::ffff:127.0.0.1]:PORT/", "written as IPv6", "RFC 4291, 2.5.5.2; CVE-2024-24790 (Go netip)"),
    ("http://[::ffff:7f00:1]:PORT/", "written as IPv6", "CVE-2026-43929 (npm ssrfcheck)"),
    ("http://[0:0:0:0:0:FFFF:127.0.0.1]:PORT/", "written as IPv6", "RFC 4291, 2.5.5.2; RFC 5952, 4"),
    ("http://example.org@127.0.0.1:PORT/", "loopback", "RFC 3986, 7.6 (semantic attacks)"),
    ("http://example.org:80@127.0.0.1:PORT/", "loopback", PORTSWIGGER),
    ("http://example.org%2f@127.0.0.1:PORT/", "loopback", PORTSWIGGER),
    ("http://a@example.org@127.0.0.1:PORT/", "loopback", PORTSWIGGER),
    ("http://[@127.0.0.1:PORT/", "loopback", "CVE-2024-22243 (Spring UriComponentsBuilder)"),
    ("http://127.0.0.1:PORT#@example.org/", "loopback", "CVE-2016-8624 (curl)"),
    ("http://127.0.0.1:PORT?@example.org/", "loopback", PORTSWIGGER),
    ("http://127.0.0.1:PORT\\@example.org/", "loopback", PORTSWIGGER),
    ("http://127.0.0.1:PORT\\.example.org/", "loopback", PORTSWIGGER),
    ("http:127.0.0.1:PORT/", "loopback", URL_STATES),
    ("http:/127.0.0.1:PORT/", "loopback", URL_STATES),
    ("http:///127.0.0.1:PORT/", "loopback", URL_STATES),
    ("http:\\\\127.0.0.1:PORT/", "loopback", URL_STATES),
    ("http:/\t/127.0.\n0.1:PORT/", "loopback", URL_STATES),
    (" \u{1}http://127.0.0.1:PORT/", "loopback", "CVE-2023-24329 (Python urlsplit)"),
    ("HTTP://127.0.0.1:PORT/", "loopback", "RFC 3986, 3.1 (schemes in capitals)"),
    ("http://127.0.0.1:0PORT/", "loopback", "WHATWG URL, 4.4 port state (leading zeros)"),
];

/// Non-public addresses in many spellings. They are refused without a listener.
const INNER: &[Trick] = &[
    // This network, loopback beyond its first address, private, shared, link-local with the
    // metadata services of clouds.
    ("http://0.1.2.3/", "this network", IANA4),
    ("http://127.255.255.254/", "loopback", IANA4),
    ("http://10.0.0.1/", "private", "RFC 1918, 3"),
    ("http://10.1/", "private", "inet_aton(3), POSIX"),
    ("http://012.1.2.3/", "private", "CVE-2024-29415 (npm ip)"),
    ("http://172.16.0.1/", "private", "RFC 1918, 3"),
    ("http://172.31.255.255/", "private", "RFC 1918, 3"),
    ("http://192.168.1.1/", "private", "RFC 1918, 3"),
    ("http://0xc0a80101/", "private", URL_IPV4),
    ("http://100.64.0.1/", "carrier", "RFC 6598, 7"),
    ("http://100.127.255.255/", "carrier", "RFC 6598, 7"),
    ("http://169.254.169.254/latest/meta-data/", "link-local", "RFC 3927; AWS EC2 instance metadata; OWASP"),
    ("http://169.254.170.2/v2/credentials/", "link-local", "AWS ECS task metadata"),
    ("http://2852039166/", "link-local", PORTSWIGGER),
    ("http://0xA9FEA9FE/", "link-local", PORTSWIGGER),
    ("http://0251.0376.0251.0376/", "link-local", PORTSWIGGER),
    ("http://0xa9.0376.43518/", "link-local", PORTSWIGGER),
    ("http://169。254。169。254/", "link-local", UTS46),
    ("http://[::ffff:a9fe:a9fe]/", "written as IPv6", PORTSWIGGER),
    ("http://100.100.100.200/latest/meta-data/", "carrier", "Alibaba Cloud instance metadata"),
    (
        "http://192.0.0.192/opc/v2/",
        "reserved for protocols",
        "Oracle Cloud classic instance metadata; RFC 6890",
    ),
    (
        "http://168.63.129.16/machine?comp=goalstate",
        "cloud's own",
        "Microsoft Learn, What is IP address 168.63.129.16?",
    ),
    // Protocols, documentation, benchmarks, anycast, multicast, reserved, broadcast.
    ("http://192.0.0.8/", "reserved for protocols", "RFC 7600; IANA IPv4 registry"),
    ("http://192.0.0.170/", "reserved for protocols", "RFC 7050; IANA IPv4 registry"),
    ("http://192.0.2.1/", "documentation", "RFC 5737"),
    ("http://198.51.100.1/", "documentation", "RFC 5737"),
    ("http://203.0.113.1/", "documentation", "RFC 5737"),
    ("http://192.31.196.1/", "reserved for protocols", "RFC 7535; IANA IPv4 registry"),
    ("http://192.52.193.1/", "reserved for protocols", "RFC 7450; IANA IPv4 registry"),
    ("http://192.175.48.1/", "reserved for protocols", "RFC 7534; IANA IPv4 registry"),
    ("http://192.88.99.1/", "6to4 relay", "RFC 7526; IANA IPv4 registry"),
    ("http://198.18.0.1/", "benchmarks", "RFC 2544"),
    ("http://198.19.255.255/", "benchmarks", "RFC 2544"),
    ("http://224.0.0.1/", "multicast", "RFC 5771"),
    ("http://239.255.255.250/", "multicast", "RFC 5771; UPnP device architecture"),
    ("http://240.0.0.1/", "reserved", "RFC 1112, 4"),
    ("http://255.255.255.255/", "broadcast", "RFC 8190; RFC 919, 7"),
    ("http://4294967295/", "broadcast", URL_IPV4),
    // IPv6: loopback, unspecified, and with IPv4 inside.
    ("http://[::1]/", "loopback", "RFC 4291, 2.5.3"),
    ("http://[0:0:0:0:0:0:0:1]/", "loopback", "RFC 5952, 2"),
    ("http://[0000::0001]/", "loopback", "CVE-2024-29415 (npm ip)"),
    ("http://[::]/", "unspecified", "RFC 4291, 2.5.2"),
    ("http://[::FFFF:10.0.0.1]/", "written as IPv6", "RFC 4291, 2.5.5.2"),
    ("http://[::ffff:0:127.0.0.1]/", "written as IPv6", "RFC 2765, 2.1 (IPv4-translated)"),
    ("http://[::127.0.0.1]/", "written as IPv6", "RFC 4291, 2.5.5.1 (IPv4-compatible)"),
    ("http://[64:ff9b::127.0.0.1]/", "NAT64", "RFC 6052, 2.1"),
    ("http://[64:ff9b::a9fe:a9fe]/", "NAT64", "RFC 6052, 3.1"),
    ("http://[64:ff9b:1::a00:1]/", "NAT64", "RFC 8215"),
    ("http://[2002:7f00:1::]/", "6to4", "RFC 3056, 2"),
    ("http://[2002:a9fe:a9fe::1]/", "6to4", "RFC 3964, 5.3"),
    ("http://[2001:0:7f00:1::]/", "Teredo", "RFC 4380, 4"),
    ("http://[fe80::5efe:a00:1]/", "ISATAP", "RFC 5214, 6.1"),
    ("http://[2a00:1450::200:5efe:a00:1]/", "ISATAP", "RFC 5214, 6.1"),
    // IPv6: link-local, site-local, unique-local (with metadata services of clouds), multicast,
    // reserved.
    ("http://[fe80::1]/", "link-local", "RFC 4291, 2.5.6"),
    ("http://[fe80::a9fe:a9fe]/", "link-local", "OpenStack metadata service over IPv6"),
    ("http://[febf::1]/", "link-local", "RFC 4291, 2.5.6"),
    ("http://[fec0::1]/", "site-local", "RFC 3879"),
    ("http://[fc00::1]/", "unique-local", "RFC 4193, 3.1"),
    ("http://[fd00:ec2::254]/", "unique-local", "AWS EC2 instance metadata over IPv6"),
    ("http://[fd20:ce::254]/", "unique-local", "Google Cloud metadata server over IPv6"),
    ("http://[ff02::1]/", "multicast", "RFC 4291, 2.7"),
    ("http://[2001:db8::1]/", "documentation", "RFC 3849"),
    ("http://[3fff::1]/", "documentation", "RFC 9637"),
    ("http://[2001:2::1]/", "benchmarks", "RFC 5180"),
    ("http://[2001:10::1]/", "reserved for protocols", "RFC 4843 (ORCHID)"),
    ("http://[2001:20::1]/", "reserved for protocols", "RFC 7343 (ORCHIDv2)"),
    ("http://[2620:4f:8000::1]/", "reserved for protocols", "RFC 7534; IANA IPv6 registry"),
    ("http://[100::1]/", "outside the public range", "RFC 6666 (discard-only)"),
    ("http://[5f00::1]/", "outside the public range", "RFC 9602 (segment routing)"),
    ("http://[4000::1]/", "outside the public range", IANA6),
];

/// Names of this machine and its network. They are refused before they are resolved.
const OWN_NAMES: &[Trick] = &[
    ("http://localhost/", "own network", "RFC 6761, 6.3"),
    ("http://LOCALHOST/", "own network", "RFC 4343 (case of names)"),
    ("http://localhost./", "own network", "RFC 1034, 3.1 (absolute names)"),
    ("http://admin.localhost/", "own network", "RFC 6761, 6.3"),
    ("http://localhost.localdomain/", "own network", "hosts(5) of Linux distributions"),
    ("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "own network", UTS46),
    ("http://ｌｏｃａｌｈｏｓｔ/", "own network", UTS46),
    ("http://loc\u{200b}alhost/", "own network", "Unicode Technical Standard 46, ignored zero width space"),
    ("http://%6c%6f%63%61%6c%68%6f%73%74/", "own network", URL_HOST),
    ("http://printer.local/", "own network", "RFC 6762, 3"),
    ("http://router.home.arpa/", "own network", "RFC 8375"),
    ("http://nas.lan/", "own network", "RFC 6762, G"),
    ("http://nas.home/", "own network", "RFC 6762, G"),
    ("http://wiki.corp/", "own network", "RFC 6762, G"),
    ("http://wiki.intranet/", "own network", "RFC 6762, G"),
    ("http://wiki.private/", "own network", "RFC 6762, G"),
    (
        "http://metadata.google.internal/computeMetadata/v1/",
        "own network",
        "Google Cloud metadata server; OWASP",
    ),
    ("http://metadata/computeMetadata/v1/", "without a domain", "Google Cloud metadata server"),
    ("http://instance-data/latest/meta-data/", "without a domain", "AWS EC2 instance metadata"),
    ("http://ip6-localhost/", "without a domain", "hosts(5) of Debian"),
    ("http://kubernetes.default.svc/api", "own network", "Kubernetes, DNS for Services and Pods"),
    ("http://db.prod.svc.cluster.local/", "own network", "Kubernetes, DNS for Services and Pods"),
    ("http://wiki/", "without a domain", "RFC 3397 (search lists)"),
];

/// Texts that do not parse as URLs and so never reach the fetcher.
const NO_URLS: &[(&str, &str)] = &[
    ("http://[::1%25lo]/", "RFC 6874 (zone identifiers)"),
    ("http://[fe80::1%eth0]/", "RFC 4007, 11 (zone identifiers)"),
    ("http://127.0.0.256/", URL_IPV4),
    ("http://127.0.0.1.5/", URL_IPV4),
    ("http://1.2.3.4.0x5/", URL_IPV4),
    ("http://0x100000000/", URL_IPV4),
    ("http://425.510.425.510/", "PortSwigger, URL validation bypass cheat sheet (overflow)"),
    ("http://7147006462/", "PortSwigger, URL validation bypass cheat sheet (overflow)"),
    ("http://08.0.0.1/", URL_IPV4),
    ("http://[127.0.0.1]/", "CVE-2024-11168 (Python urlsplit)"),
    ("http://[v1.127.0.0.1]/", "RFC 3986, 3.2.2 (IPvFuture)"),
    ("http://[::ffff:127.0.0.1/", "RFC 3986, 3.2.2"),
    ("http://[::1]@example.org:x/", "RFC 3986, 3.2.3"),
    ("http://example.org%00.127.0.0.1/", "WHATWG URL, 3.2 forbidden domain code points"),
    ("http://127.0.0.1%0d%0a/", "CVE-2016-5699 (Python urllib)"),
    ("http://127.0.0.1 example.org/", "WHATWG URL, 3.2 forbidden domain code points"),
    ("http://127.0.0.1:99999/", "WHATWG URL, 4.4 port state"),
    ("http://127.0.0.1:port@example.org:x/", "WHATWG URL, 4.4 port state"),
    ("http://", "WHATWG URL, 4.4 host state"),
];

/// URLs with ports and schemes that the web does not use.
const OTHER_PLACES: &[Trick] = &[
    ("http://1.1.1.1:22/", "port 22 is not among", "OWASP; SSH"),
    ("http://blog.example:25/", "port 25 is not among", "Orange Tsai, A New Era of SSRF (SMTP)"),
    ("http://blog.example:2375/containers/json", "port 2375 is not among", "Docker engine API"),
    ("http://blog.example:6379/", "port 6379 is not among", "Orange Tsai, A New Era of SSRF (Redis)"),
    ("http://blog.example:9200/_cat", "port 9200 is not among", "Elasticsearch"),
    ("http://blog.example:11211/", "port 11211 is not among", "Orange Tsai, A New Era of SSRF (memcached)"),
    ("https://blog.example:8443/", "port 8443 is not among", OWASP),
    ("http://blog.example:0/", "port 0 is not among", "RFC 6335, 6"),
    ("file:///etc/passwd", "only http and https", OWASP),
    ("file://localhost/etc/passwd", "only http and https", "RFC 8089, 2"),
    ("ftp://blog.example/", "only http and https", OWASP),
    ("sftp://blog.example/", "only http and https", OWASP),
    ("tftp://blog.example:80/", "only http and https", OWASP),
    ("gopher://blog.example:80/_GET", "only http and https", OWASP),
    ("dict://blog.example:80/stat", "only http and https", OWASP),
    ("ldap://blog.example:80/", "only http and https", OWASP),
    ("jar:http://127.0.0.1!/a", "only http and https", "OWASP (Java's jar scheme)"),
    ("netdoc:///etc/passwd", "only http and https", "OWASP (Java's netdoc scheme)"),
    ("ws://blog.example/", "only http and https", "RFC 6455, 3"),
    ("data:text/html,hello", "only http and https", "RFC 2397"),
    ("javascript:alert(1)", "only http and https", "OWASP"),
    ("blob:http://127.0.0.1/a", "only http and https", "W3C File API, 8"),
    ("about:blank", "only http and https", "RFC 6694"),
    ("unix:/var/run/docker.sock", "only http and https", "Docker engine API"),
    ("http+unix://%2fvar%2frun%2fdocker.sock/", "only http and https", "Docker engine API"),
];

/// Addresses of a name, from the table of fixed hosts or from a name server, separated by commas.
const ANSWERS: &[Trick] = &[
    ("127.0.0.2:PORT", "127.0.0.2, a loopback", "PortSwigger (localtest.me, nip.io and the like)"),
    ("[::ffff:127.0.0.2]:PORT", "written as IPv6", "RFC 4291, 2.5.5.2 (AAAA records)"),
    ("0.0.0.0:PORT", "0.0.0.0, an address of \"this network\"", "RFC 1122, 3.2.1.3 (a)"),
    ("127.0.0.2:PORT,10.0.0.1,[::1]:PORT", "127.0.0.2, a loopback", OWASP),
    ("10.0.0.1", "10.0.0.1, a private", "RFC 1918, 3"),
    ("172.20.0.1", "172.20.0.1, a private", "RFC 1918, 3"),
    ("192.168.0.1", "192.168.0.1, a private", "RFC 1918, 3"),
    ("169.254.169.254", "169.254.169.254, a link-local", "PortSwigger; AWS EC2 instance metadata"),
    ("100.64.1.1", "carrier", "RFC 6598, 7"),
    ("168.63.129.16", "cloud's own", "Microsoft Learn, What is IP address 168.63.129.16?"),
    ("198.18.0.1", "benchmarks", "RFC 2544"),
    ("224.0.0.1", "multicast", "RFC 5771"),
    ("255.255.255.255", "broadcast", "RFC 919, 7"),
    ("[64:ff9b::a00:1]", "NAT64", "RFC 6147, 8 (DNS64)"),
    ("[fd00::1]", "unique-local", "RFC 4193, 3.1"),
    ("[fe80::1]", "link-local", "RFC 4291, 2.5.6"),
];

/// Redirects of a public host. `public` is its name; `inside` is a name that leads to the canary.
const REDIRECTS: &[(&str, &str, &str)] = &[
    ("301 Moved Permanently", "http://127.0.0.2:PORT/", OWASP),
    ("302 Found", "http://127.0.0.2:PORT/", PORTSWIGGER),
    ("303 See Other", "http://127.0.0.2:PORT/", "RFC 9110, 15.4.4"),
    ("307 Temporary Redirect", "http://127.0.0.2:PORT/", "RFC 9110, 15.4.8"),
    ("308 Permanent Redirect", "http://127.0.0.2:PORT/", "RFC 9110, 15.4.9"),
    ("302 Found", "//127.0.0.2:PORT/", "RFC 3986, 4.2 (network-path reference); CVE-2022-35949 (undici)"),
    ("302 Found", "\\\\127.0.0.2:PORT/", "WHATWG URL, 4.4 relative slash state"),
    ("302 Found", "/\\127.0.0.2:PORT/", "WHATWG URL, 4.4 relative slash state"),
    ("302 Found", "/\t/127.0.0.2:PORT/", "WHATWG URL, 4.4 (tab and newline)"),
    ("302 Found", "http:\\\\127.0.0.2:PORT", URL_STATES),
    ("302 Found", "http://2130706434:PORT/", PORTSWIGGER),
    ("302 Found", "http://0x7f.2:PORT/", PORTSWIGGER),
    ("302 Found", "http://0177.0.0.2:PORT/", PORTSWIGGER),
    ("302 Found", "http://[::ffff:127.0.0.2]:PORT/", "RFC 4291, 2.5.5.2"),
    ("302 Found", "http://public.example@127.0.0.2:PORT/", "RFC 3986, 7.6"),
    ("302 Found", "http://inside.example/", "PortSwigger (names that lead inside)"),
    ("302 Found", "http://public.example/?http://inside.example/", "OWASP (open redirects in a row)"),
    ("302 Found", "https://127.0.0.2:PORT/", "CVE-2023-28155 (npm request, from http to https)"),
    ("302 Found", "https://inside.example/", "CVE-2023-28155 (npm request)"),
    ("302 Found", "http://localhost:PORT/", "RFC 6761, 6.3"),
    ("302 Found", "http://10.0.0.1/", "RFC 1918, 3"),
    ("302 Found", "http://169.254.169.254/latest/meta-data/", "AWS EC2 instance metadata"),
    ("302 Found", "http://[::1]/", "RFC 4291, 2.5.3"),
    ("302 Found", "http://public.example:22/", "OWASP (ports)"),
    ("302 Found", "//public.example:6379/", "Orange Tsai, A New Era of SSRF"),
    ("302 Found", "file:///etc/passwd", "CVE-2009-0037 (curl)"),
    ("302 Found", "gopher://127.0.0.2:PORT/_x", OWASP),
    ("302 Found", "dict://127.0.0.2:PORT/x", OWASP),
    ("302 Found", "ftp://127.0.0.2:PORT/", OWASP),
    ("302 Found", "data:text/html,hello", "RFC 2397"),
];

/// Responses with an address that only a browser follows, or nothing does.
const NOT_FOLLOWED: &[(&str, &str, &str)] = &[
    ("200 OK", "Refresh: 0; url=INSIDE\r\n", "HTML, 7.11 (the Refresh header)"),
    ("200 OK", "Content-Location: INSIDE\r\n", "RFC 9110, 8.7"),
    ("200 OK", "Location: INSIDE\r\n", "RFC 9110, 10.2.2"),
    ("201 Created", "Location: INSIDE\r\n", "RFC 9110, 10.2.2"),
    ("200 OK", "Link: <INSIDE>; rel=preload\r\n", "RFC 8288, 3"),
    ("200 OK", "Alt-Svc: http/1.1=\"127.0.0.2:PORT\"\r\n", "RFC 7838, 3"),
    ("300 Multiple Choices", "Location: INSIDE\r\n", "RFC 9110, 15.4.1"),
    ("304 Not Modified", "Location: INSIDE\r\n", "RFC 9110, 15.4.5"),
    ("305 Use Proxy", "Location: INSIDE\r\n", "RFC 9110, 15.4.6"),
    ("306 Switch Proxy", "Location: INSIDE\r\n", "RFC 9110, 15.4.7"),
    ("401 Unauthorized", "WWW-Authenticate: Bearer realm=\"INSIDE\"\r\n", "RFC 9110, 11.6.1"),
    ("407 Proxy Authentication Required", "Location: INSIDE\r\n", "RFC 9110, 15.5.8"),
    ("503 Unavailable", "Location: INSIDE\r\n", "RFC 9110, 15.6.4"),
];

/// The settings for the open web, but without pauses, with the canary's port allowed, and with
/// limits that end a hanging test.
fn settings(canary: &Canary) -> FetchSettings {
    let mut settings = FetchSettings {
        host_pause: Duration::ZERO,
        first_byte_timeout: Duration::from_secs(5),
        total_timeout: Duration::from_secs(10),
        ..FetchSettings::default()
    };
    settings.allowed_ports.push(canary.addr.port());
    settings
}

fn fetcher(settings: FetchSettings, rule: AddressRule) -> Fetcher {
    Fetcher::with_rule(settings, rule).unwrap()
}

/// The rule by which 127.0.0.1 stands for the public internet.
const PUBLIC: AddressRule = AddressRule::PublicAnd(IpAddr::V4(Ipv4Addr::LOCALHOST));

/// An address of the local network.
const INSIDE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn at(canary: &Canary, text: &str) -> String {
    let port = canary.addr.port().to_string();
    text.replace("INSIDE", "http://127.0.0.2:PORT/").replace("PORT", &port)
}

async fn get(fetcher: &Fetcher, url: &str) -> Result<Response, FetchError> {
    fetcher.get(&url.parse().unwrap(), Want::Page, &Validators::default()).await
}

fn assert_refused(trick: &str, why: &str, source: &str, outcome: Result<Response, FetchError>) {
    let error = match outcome {
        Err(error @ FetchError::NotAllowed { .. }) => error,
        other => panic!("{trick} ({source}) came to {other:?}"),
    };
    assert!(error.to_string().contains(why), "{trick} ({source}): {error}");
    assert!(!error.is_transient() && !error.is_offline(), "{trick} ({source}): {error}");
}

#[tokio::test]
async fn private_addresses_are_refused_in_any_spelling() {
    let canary = Canary::at(Ipv4Addr::LOCALHOST);
    let strict = fetcher(settings(&canary), AddressRule::Public);
    for (trick, why, source) in [LOOPBACK, INNER, OWN_NAMES].concat() {
        let outcome = get(&strict, &at(&canary, trick)).await;
        if let Err(error) = &outcome {
            assert!(error.to_string().contains("--allow-private-addresses"), "{trick}: {error}");
        }
        assert_refused(trick, why, source, outcome);
    }
    assert_eq!(canary.connections(), 0);
}

/// Without the rule, each spelling of loopback reaches the canary. This shows that the test above
/// can fail.
#[tokio::test]
async fn spellings_reach_the_canary_if_allowed() {
    let canary = Canary::at(Ipv4Addr::LOCALHOST);
    let open = fetcher(settings(&canary), AddressRule::Any);
    for (trick, _, source) in LOOPBACK {
        let outcome = get(&open, &at(&canary, trick)).await;
        assert!(outcome.is_ok(), "{trick} ({source}) came to {outcome:?}");
        assert_eq!(canary.connections(), 1, "{trick} ({source})");
    }
}

#[test]
fn invalid_hosts_do_not_parse_as_urls() {
    for (spelling, source) in NO_URLS {
        assert!(spelling.parse::<Url>().is_err(), "{spelling} ({source})");
    }
}

/// A name that ends in a number and still parses as part of a URL is refused, because `getaddrinfo`
/// and proxies accept more spellings of addresses than URLs do.
#[tokio::test]
async fn names_that_look_like_numbers_are_not_resolved() {
    let canary = Canary::at(Ipv4Addr::LOCALHOST);
    let strict = fetcher(settings(&canary), AddressRule::Public);
    for (host, source) in [
        ("127.0.0.1..", "WHATWG URL, ends in a number checker"),
        ("example.0x7f000001..", "WHATWG URL, ends in a number checker"),
    ] {
        let url = format!("http://{host}:{}/", canary.addr.port());
        let Ok(url) = url.parse::<Url>() else { continue };
        let outcome = strict.get(&url, Want::Page, &Validators::default()).await;
        assert_refused(host, "a malformed address", source, outcome);
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn other_ports_and_schemes_are_always_refused() {
    let canary = Canary::at(Ipv4Addr::LOCALHOST);
    for rule in [AddressRule::Public, AddressRule::Any] {
        let fetcher = fetcher(settings(&canary), rule);
        for (trick, why, source) in OTHER_PLACES {
            assert_refused(trick, why, source, get(&fetcher, trick).await);
        }
    }
}

#[tokio::test]
async fn names_of_private_addresses_are_refused() {
    let canary = Canary::at(INSIDE);
    for (addresses, why, source) in ANSWERS {
        let addresses = at(&canary, addresses);
        let resolve =
            ["80", "443"].map(|port| format!("inner.example:{port}:{addresses}").parse().unwrap()).to_vec();
        let fixed = fetcher(FetchSettings { resolve, ..settings(&canary) }, PUBLIC);
        for scheme in ["http", "https"] {
            let outcome = get(&fixed, &format!("{scheme}://inner.example/")).await;
            assert_refused(&addresses, &format!("it leads to {}", in_answer(why)), source, outcome);
        }
        // The same answers from a name server.
        let asking = fetcher(settings(&canary), PUBLIC);
        asking.names().answers().push_back(sockets(&addresses));
        assert_refused(&addresses, why, source, get(&asking, "http://inner.example/").await);
    }
    assert_eq!(canary.connections(), 0);
}

/// Returns `why` if it starts with an address, as in the error about a resolved name. Otherwise
/// returns an empty text.
fn in_answer(why: &str) -> &str {
    if why.starts_with(|c: char| c.is_ascii_digit()) { why } else { "" }
}

/// Addresses as in the table. Name servers know no ports, so an address without a port gets 0.
fn sockets(addresses: &str) -> Vec<SocketAddr> {
    let of = |text: &str| {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        text.parse().unwrap_or_else(|_| SocketAddr::new(bare.parse().unwrap(), 0))
    };
    addresses.split(',').map(of).collect()
}

/// A public host at 127.0.0.1 that answers with the status and target that follow `?` in the path.
fn redirecting() -> SocketAddr {
    serve(Ipv4Addr::LOCALHOST, |request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let location = path.split_once('?').unwrap_or_default().1;
        head("302 Found", &format!("Location: {location}\r\n"))
    })
}

#[tokio::test]
async fn redirects_of_public_hosts_cannot_lead_inside() {
    let canary = Canary::at(INSIDE);
    let relay = redirecting();
    for (status, location, source) in REDIRECTS {
        let location = at(&canary, location);
        let sent = location.clone();
        let public = serve(Ipv4Addr::LOCALHOST, move |_| head(status, &format!("Location: {sent}\r\n")));
        let resolve = vec![
            format!("start.example:80:{public}").parse().unwrap(),
            format!("public.example:80:{relay}").parse().unwrap(),
            format!("inside.example:80:{}", canary.addr).parse().unwrap(),
            format!("inside.example:443:{}", canary.addr).parse().unwrap(),
        ];
        let fetcher = fetcher(FetchSettings { resolve, ..settings(&canary) }, PUBLIC);
        let outcome = get(&fetcher, "http://start.example/").await;
        assert_refused(&format!("{status} to {location}"), "was not fetched", source, outcome);
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn addresses_outside_redirects_are_not_followed() {
    let canary = Canary::at(INSIDE);
    for (status, field, source) in NOT_FOLLOWED {
        let field = at(&canary, field);
        let public = serve(Ipv4Addr::LOCALHOST, move |_| head(status, &field));
        let resolve = vec![format!("public.example:80:{public}").parse().unwrap()];
        let fetcher = fetcher(FetchSettings { resolve, ..settings(&canary) }, PUBLIC);
        let outcome = get(&fetcher, "http://public.example/").await;
        let refused = matches!(outcome, Err(FetchError::Status { .. }));
        assert_eq!(refused, !status.starts_with('2'), "{status} ({source}): {outcome:?}");
    }
    for (html, source) in [
        ("<meta http-equiv=refresh content='0;url=INSIDE'>", "HTML, 4.2.5.3 (refresh)"),
        ("<base href='INSIDE'><link rel=alternate type=application/rss+xml href=feed>", "HTML, 4.2.3"),
        ("<script>location='INSIDE'</script><iframe src='INSIDE'></iframe><img src='INSIDE'>", OWASP),
        ("<?xml-stylesheet href='INSIDE'?><!DOCTYPE a SYSTEM 'INSIDE'><a/>", "OWASP (external entities)"),
    ] {
        let page = at(&canary, html);
        let answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}", page.len());
        let public = serve(Ipv4Addr::LOCALHOST, move |_| answer.clone().into_bytes());
        let resolve = vec![format!("public.example:80:{public}").parse().unwrap()];
        let fetcher = fetcher(FetchSettings { resolve, ..settings(&canary) }, PUBLIC);
        let response = get(&fetcher, "http://public.example/").await.unwrap();
        assert_eq!(response.body.bytes(), Some(page.as_bytes()), "{source}: a page is only bytes here");
    }
    assert_eq!(canary.connections(), 0);
}

/// A name server answers with public and private addresses. RFC 1918 section 5 calls it a leak; the
/// Single Request attack of DNS rebinding relies on it. Only the public one gets a request.
#[tokio::test]
async fn mixed_answers_are_served_by_public_addresses() {
    let canary = Canary::at(INSIDE);
    let public = serve(Ipv4Addr::LOCALHOST, |_| head("200 OK", ""));
    let fetcher = fetcher(settings(&canary), PUBLIC);
    for answer in [[canary.addr, public], [public, canary.addr]] {
        fetcher.names().answers().push_back(answer.to_vec());
        assert!(get(&fetcher, "http://mixed.example/").await.is_ok());
    }
    assert_eq!(canary.connections(), 0);
}

/// DNS rebinding (OWASP; Jackson et al., "Protecting Browsers from DNS Rebinding Attacks", 2007): a
/// name is public when it is checked and private when it is connected to. Here one look-up serves
/// both, so there is nothing in between.
#[tokio::test]
async fn rebinding_name_is_resolved_and_checked_per_connection() {
    let canary = Canary::at(INSIDE);
    let public = redirecting();
    let answers = |fetcher: &Fetcher, list: &[SocketAddr]| {
        fetcher.names().answers().extend(list.iter().map(|addr| vec![*addr]));
    };
    // Between two requests.
    let fetcher_one = fetcher(settings(&canary), PUBLIC);
    let plain = serve(Ipv4Addr::LOCALHOST, |_| head("200 OK", ""));
    answers(&fetcher_one, &[plain, canary.addr]);
    assert!(get(&fetcher_one, "http://rebound.example/").await.is_ok());
    assert_eq!(fetcher_one.names().answers().len(), 1, "one look-up a connection");
    let outcome = get(&fetcher_one, "http://rebound.example/").await;
    assert_refused("rebinding between requests", "it leads to 127.0.0.2", OWASP, outcome);
    // Between the hops of one request.
    let fetcher_two = fetcher(settings(&canary), PUBLIC);
    answers(&fetcher_two, &[public, canary.addr]);
    let outcome = get(&fetcher_two, "http://rebound.example/?/again").await;
    assert_refused("rebinding between hops", "it leads to 127.0.0.2", OWASP, outcome);
    assert_eq!(canary.connections(), 0);
}

/// libuv cut names longer than DNS allows (CVE-2024-24806), and the rest was an address.
#[tokio::test]
async fn overlong_names_are_not_cut_to_an_address() {
    let canary = Canary::at(Ipv4Addr::LOCALHOST);
    let strict = fetcher(settings(&canary), AddressRule::Public);
    let url = format!("http://0x{}7f000001.example.com:{}/", "0".repeat(246), canary.addr.port());
    if let Ok(url) = url.parse::<Url>() {
        let error = strict.get(&url, Want::Page, &Validators::default()).await.unwrap_err();
        assert!(matches!(error, FetchError::Dns { .. }), "{error}");
    }
    assert_eq!(canary.connections(), 0);
}

/// Line ends in an address would end the request line and start headers or another request
/// (CVE-2019-9740 in Python's urllib; Orange Tsai, "A New Era of SSRF").
#[tokio::test]
async fn line_ends_in_an_address_start_no_header() {
    let (tell, told) = std::sync::mpsc::channel();
    let public = serve(Ipv4Addr::LOCALHOST, move |request| {
        tell.send(request.to_owned()).unwrap();
        head("200 OK", "")
    });
    let resolve = vec![format!("public.example:80:{public}").parse().unwrap()];
    let fetcher =
        fetcher(FetchSettings { resolve, host_pause: Duration::ZERO, ..FetchSettings::default() }, PUBLIC);
    for path in
        ["a\r\nX-Evil: 1", "a%0d%0aX-Evil: 1", "a?b\r\n\r\nGET /evil HTTP/1.1", "a?%0D%0ASLAVEOF 10.0.0.1 1"]
    {
        get(&fetcher, &format!("http://public.example/{path}")).await.unwrap();
        let request = told.recv().unwrap();
        let lines: Vec<&str> = request.trim_end().split("\r\n").collect();
        assert!(lines[0].starts_with("GET /a") && lines[0].ends_with(" HTTP/1.1"), "{request}");
        assert!(!lines[1..].iter().any(|line| line.contains("vil") || line.contains("SLAVE")), "{request}");
        assert_eq!(request.matches("\r\n\r\n").count(), 1, "{request}");
    }
}
