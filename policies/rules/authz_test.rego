# METADATA
# title: Tests of the rules
# description: Refusals first. Grants are the test's own; the real ones are tested where they are generated.
package countersign.authz_test

import data.countersign.authz

self_id := "spiffe://example.org/ns/test/sa/callee"

peer_id := "spiffe://example.org/ns/test/sa/caller"

masked_id := "spiffe://example.org/ns/test/sa/masked"

grants := {self_id: {
	peer_id: {"GET /things/{id}": {}, "GET /": {}, "/example.v1.Things/Get": {}},
	masked_id: {"GET /things/{id}": {"mask": ["owner", "note"]}},
}}

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
	[],
	"yes",
	true,
	null,
]

test_refused_when_grant_is_not_understood[index] if {
	some index, grant in misunderstood
	expected := refusal("grant-not-understood", "grant-is-understood")
	authz.decision == expected with input as http_input
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
