# METADATA
# title: Tests of the rules
# description: Refusals first. Grants are the test's own; the real ones are tested where they are generated.
package countersign.authz_test

import data.countersign.authz

self_id := "spiffe://example.org/ns/test/sa/callee"

peer_id := "spiffe://example.org/ns/test/sa/caller"

masked_id := "spiffe://example.org/ns/test/sa/masked"

entry_id := "spiffe://example.org/ns/test/sa/entry"

limited_id := "spiffe://example.com/limited"

grants := {self_id: {
	peer_id: {"GET /things/{id}": {}, "GET /": {}, "/example.v1.Things/Get": {}},
	masked_id: {"GET /things/{id}": {"mask": ["owner", "note"]}},
	relay_id: {
		"GET /things/{id}": {"origins": {entry_id: {}, limited_id: {"mask": ["owner"]}}},
		"/example.v1.Things/Get": {
			"mask": ["note", "owner"],
			"origins": {entry_id: {}, limited_id: {"mask": ["owner", "price"]}},
		},
	},
}}

relay_id := "spiffe://example.org/ns/test/sa/relay"

link(id, act) := {"spiffe_id": id, "act": act, "issued_at": "2026-01-02T03:04:05.000Z"}

from_relay(document, chain) := object.union(document, {"peer": peer("relay"), "chain": chain})

relayed(origin) := from_relay(http_input, [link(origin, "POST /start"), link(relay_id, "GET /things/42")])

relayed_grpc(origin) := from_relay(grpc_input, [
	link(origin, "POST /start"),
	link(relay_id, "/example.v1.Things/Get"),
])

with_last_link(changed) := from_relay(http_input, [
	link(entry_id, "POST /start"),
	object.union(link(relay_id, "GET /things/42"), changed),
])

http_input := {
	"transport": "http",
	"operation": "GET /things/{id}",
	"http": {"method": "GET", "path": ["things", "42"]},
	"self": {"spiffe_id": self_id},
	"peer": {"spiffe_id": peer_id, "trust_domain": "example.org", "path": ["ns", "test", "sa", "caller"]},
	"chain": [],
	"time": "2026-01-02T03:04:05.678Z",
}

grpc_input := {
	"transport": "grpc",
	"operation": "/example.v1.Things/Get",
	"grpc": {"service": "example.v1.Things", "method": "Get"},
	"self": {"spiffe_id": self_id},
	"peer": {"spiffe_id": peer_id, "trust_domain": "example.org", "path": ["ns", "test", "sa", "caller"]},
	"chain": [],
	"time": "2026-01-02T03:04:05.678Z",
}

refusal(reason, rule) := {"allow": false, "reason": reason, "rule": rule, "obligations": []}

inconsistent := refusal("input-inconsistent", "input-is-consistent")

peer(name) := {
	"spiffe_id": sprintf("spiffe://example.org/ns/test/sa/%s", [name]),
	"trust_domain": "example.org",
	"path": ["ns", "test", "sa", name],
}

without(document, name) := object.remove(document, [name])

# Each case: the input and the refusal it must get.
refused_cases := {
	"an empty document": [{}, inconsistent],
	"no document but a string": ["allow", refusal("input-missing", "input-is-object")],
	"an array": [[http_input], refusal("input-missing", "input-is-object")],
	"null": [null, refusal("input-missing", "input-is-object")],
	"true": [true, refusal("input-missing", "input-is-object")],
	"a service that nobody may call": [
		object.union(http_input, {"self": {"spiffe_id": "spiffe://example.org/ns/test/sa/other"}}),
		refusal("service-has-no-grants", "service-has-grants"),
	],
	"a service whose ID differs in case": [
		object.union(http_input, {"self": {"spiffe_id": "spiffe://example.org/ns/test/sa/Callee"}}),
		refusal("service-has-no-grants", "service-has-grants"),
	],
	"a peer that no grant names": [
		object.union(http_input, {"peer": peer("stranger")}),
		refusal("peer-has-no-grant", "peer-has-grant"),
	],
	"the service itself": [
		object.union(http_input, {"peer": peer("callee")}),
		refusal("peer-has-no-grant", "peer-has-grant"),
	],
	"the same path in another trust domain": [
		object.union(http_input, {"peer": {
			"spiffe_id": "spiffe://example.com/ns/test/sa/caller",
			"trust_domain": "example.com",
		}}),
		refusal("peer-has-no-grant", "peer-has-grant"),
	],
	"a path below a granted peer's": [
		object.union(http_input, {"peer": {
			"spiffe_id": "spiffe://example.org/ns/test/sa/caller/more",
			"path": ["ns", "test", "sa", "caller", "more"],
		}}),
		refusal("peer-has-no-grant", "peer-has-grant"),
	],
	"an operation the peer lacks": [
		object.union(http_input, {"operation": "DELETE /things/{id}", "http": {"method": "DELETE"}}),
		refusal("operation-not-granted", "operation-is-granted"),
	],
	"an operation that differs in case": [
		object.union(http_input, {"operation": "GET /Things/{id}"}),
		refusal("operation-not-granted", "operation-is-granted"),
	],
	"HEAD where GET is granted": [
		object.union(http_input, {"operation": "HEAD /things/{id}", "http": {"method": "HEAD"}}),
		refusal("operation-not-granted", "operation-is-granted"),
	],
	"another peer's operation": [
		object.union(grpc_input, {"peer": peer("masked")}),
		refusal("operation-not-granted", "operation-is-granted"),
	],
	"a request that is none of the service's operations": [
		object.union(http_input, {"operation": "unmatched"}),
		refusal("operation-unmatched", "operation-is-matched"),
	],
	"a route by another method": [object.union(http_input, {"http": {"method": "POST"}}), inconsistent],
	"a route with fewer segments than the path": [
		object.union(http_input, {"http": {"path": ["things", "42", "parts"]}}),
		inconsistent,
	],
	"a route without a slash": [object.union(http_input, {"operation": "GET things"}), inconsistent],
	"a route with a space": [object.union(http_input, {"operation": "GET /things/{id} "}), inconsistent],
	"a route's operation over gRPC": [object.union(http_input, {"transport": "grpc"}), inconsistent],
	"a gRPC operation over HTTP": [object.union(grpc_input, {"transport": "http"}), inconsistent],
	"both transports at once": [object.union(http_input, {"grpc": grpc_input.grpc}), inconsistent],
	"another transport": [object.union(http_input, {"transport": "amqp"}), inconsistent],
	"another gRPC method": [object.union(grpc_input, {"grpc": {"method": "Delete"}}), inconsistent],
	"another gRPC service": [object.union(grpc_input, {"grpc": {"service": "example.v2.Things"}}), inconsistent],
	"a peer that leaves the required chain out": [
		from_relay(http_input, []),
		refusal("chain-required", "chain-is-present"),
	],
	"a peer that leaves the required chain out over gRPC": [
		from_relay(grpc_input, []),
		refusal("chain-required", "chain-is-present"),
	],
	"a peer that acts for itself": [
		from_relay(http_input, [link(relay_id, "GET /things/42")]),
		refusal("origin-not-allowed", "origin-is-allowed"),
	],
	"an origin that the grant does not name": [
		relayed(peer_id),
		refusal("origin-not-allowed", "origin-is-allowed"),
	],
	"an allowed origin's path in another trust domain": [
		relayed("spiffe://example.com/ns/test/sa/entry"),
		refusal("origin-not-allowed", "origin-is-allowed"),
	],
	"an allowed origin as a hop between": [
		from_relay(http_input, [
			link(peer_id, "POST /start"),
			link(entry_id, "GET /start"),
			link(relay_id, "GET /things/42"),
		]),
		refusal("origin-not-allowed", "origin-is-allowed"),
	],
	"a chain for an operation the peer lacks": [
		json.patch(relayed(entry_id), [
			{"op": "replace", "path": "/operation", "value": "DELETE /things/{id}"},
			{"op": "replace", "path": "/http/method", "value": "DELETE"},
			{"op": "replace", "path": "/chain/1/act", "value": "DELETE /things/42"},
		]),
		refusal("operation-not-granted", "operation-is-granted"),
	],
	"a chain that ends at another than the peer": [
		from_relay(http_input, [link(entry_id, "GET /things/42")]),
		inconsistent,
	],
	"a chain that ends at the peer's child": [with_last_link({"spiffe_id": concat("/", [relay_id, "x"])}), inconsistent],
	"a chain for another HTTP method": [with_last_link({"act": "POST /things/42"}), inconsistent],
	"a chain for a gRPC method over HTTP": [with_last_link({"act": "/example.v1.Things/Get"}), inconsistent],
	"a chain for another gRPC method": [
		from_relay(grpc_input, [link(relay_id, "/example.v1.Things/Delete")]),
		inconsistent,
	],
	"a chain for HTTP over gRPC": [
		from_relay(grpc_input, [link(relay_id, "GET /example.v1.Things/Get")]),
		inconsistent,
	],
	"a link without an act": [
		from_relay(http_input, [link(entry_id, ""), link(relay_id, "GET /things/42")]),
		inconsistent,
	],
	"a link whose act is no text": [with_last_link({"act": ["GET /things/42"]}), inconsistent],
	"a link issued at no time": [with_last_link({"issued_at": ""}), inconsistent],
	"a link issued in local time": [with_last_link({"issued_at": "2026-01-02T03:04:05+01:00"}), inconsistent],
	"a link issued on a day": [with_last_link({"issued_at": "2026-01-02Z"}), inconsistent],
	"a link issued at a number": [with_last_link({"issued_at": 1767322845}), inconsistent],
	"an origin that is no SPIFFE ID": [relayed("https://example.org/entry"), inconsistent],
	"a chain that is no array": [from_relay(http_input, {"0": link(relay_id, "GET /things/42")}), inconsistent],
	"a chain of null": [from_relay(http_input, null), inconsistent],
	"no chain at all": [without(http_input, "chain"), inconsistent],
	"a chain whose last link is null": [from_relay(http_input, [link(entry_id, "POST /start"), null]), inconsistent],
	"a chain that is not needed and does not end at the peer": [
		object.union(http_input, {"chain": [link(entry_id, "GET /things/42")]}),
		inconsistent,
	],
	"no peer": [without(http_input, "peer"), inconsistent],
	"no self": [without(http_input, "self"), refusal("service-has-no-grants", "service-has-grants")],
	"no operation": [without(http_input, "operation"), inconsistent],
	"no request": [without(http_input, "http"), inconsistent],
	"a trust domain that is not the ID's": [
		object.union(http_input, {"peer": {"trust_domain": "example.com"}}),
		inconsistent,
	],
	"a path that is not the ID's": [
		object.union(http_input, {"peer": {"path": ["ns", "test", "sa", "other"]}}),
		inconsistent,
	],
	"a segment with a slash": [
		object.union(http_input, {"peer": {"path": ["ns", "test", "sa", "", "caller"]}}),
		inconsistent,
	],
}

# Each case that must be allowed, and what is owed.
allowed_cases := {
	"a chain where none is required": [
		object.union(http_input, {"chain": [link(entry_id, "POST /start"), link(peer_id, "GET /things/42")]}),
		granted([]),
	],
	"an allowed origin": [relayed(entry_id), granted([])],
	"an allowed origin with a mask": [relayed(limited_id), granted([{"kind": "mask", "fields": ["owner"]}])],
	"a mask of the peer's": [relayed_grpc(entry_id), granted([{"kind": "mask", "fields": ["note", "owner"]}])],
	"the peer's mask and the origin's": [
		relayed_grpc(limited_id),
		granted([{"kind": "mask", "fields": ["note", "owner", "price"]}]),
	],
	"a route": [http_input, granted([])],
	"the root": [
		json.patch(http_input, [
			{"op": "replace", "path": "/operation", "value": "GET /"},
			{"op": "replace", "path": "/http/path", "value": []},
		]),
		granted([]),
	],
	"a gRPC method": [grpc_input, granted([])],
	"a route with a mask": [
		object.union(http_input, {"peer": peer("masked")}),
		granted([{"kind": "mask", "fields": ["owner", "note"]}]),
	],
}

granted(owed) := {"allow": true, "reason": "granted", "rule": "grant", "obligations": owed}

cases := object.union(refused_cases, allowed_cases)

test_allowed[name] if {
	some name, [document, expected] in allowed_cases
	authz.decision == expected with input as document with data.grants as grants
}

test_refused[name] if {
	some name, [document, expected] in refused_cases
	authz.decision == expected with input as document with data.grants as grants
}

test_no_input_at_all if {
	authz.decision == refusal("input-missing", "input-is-object") with data.grants as grants
}

test_refused_without_grants if {
	expected := refusal("service-has-no-grants", "service-has-grants")
	authz.decision == expected with input as http_input with data.grants as {}
}

test_refused_without_operations if {
	expected := refusal("operation-not-granted", "operation-is-granted")
	authz.decision == expected with input as http_input with data.grants as {self_id: {peer_id: {}}}
}

# A grant that these rules don't understand is no grant.
misunderstood := [
	{"masc": ["owner"]},
	{"mask": ["owner"], "until": "2027-01-01"},
	{"mask": "owner"},
	{"mask": {"owner": true}},
	{"mask": [1]},
	{"origins": {}},
	{"origins": null},
	{"origins": false},
	{"origins": [peer_id]},
	{"origins": peer_id},
	{"origins": {peer_id: null}},
	{"origins": {peer_id: false}},
	{"origins": {peer_id: true}},
	{"origins": {peer_id: ["owner"]}},
	{"origins": {peer_id: {"masc": ["owner"]}}},
	{"origins": {peer_id: {"mask": "owner"}}},
	{"origins": {peer_id: {"mask": [1]}}},
	{"origins": {peer_id: {"origins": {}}}},
	{"origin": {peer_id: {}}},
	[],
	"yes",
	true,
	null,
]

test_refused_when_grant_is_not_understood[index] if {
	some index, grant in misunderstood
	expected := refusal("grant-not-understood", "grant-is-understood")
	with_chain := object.union(http_input, {"chain": [link(peer_id, "GET /things/42")]})
	authz.decision == expected with input as with_chain
		with data.grants as {self_id: {peer_id: {"GET /things/{id}": grant}}}
}

test_refused_when_grant_is_false if {
	expected := refusal("operation-not-granted", "operation-is-granted")
	authz.decision == expected with input as http_input
		with data.grants as {self_id: {peer_id: {"GET /things/{id}": false}}}
}

# `max` has no value for an empty array: it stands for a rule that has none where all conditions hold.
test_default_is_to_refuse if {
	expected := refusal("no-rule-applies", "default-deny")
	authz.decision == expected with input as http_input
		with data.grants as grants
		with data.countersign.authz.allowed as max
}

# Whatever the decision, it has the shape that services check.
test_every_decision_fits_the_result_schema[name] if {
	some name, [document, _] in cases
	result := authz.decision with input as document with data.grants as grants
	[true, []] == json.match_schema(result, data.schemas.result)
}

# The accepted inputs are inputs that the input schema accepts: the tests ask what services ask.
test_inputs_fit_the_input_schema[index] if {
	some index, [document, _] in allowed_cases
	[true, []] == json.match_schema(document, data.schemas.input)
}
