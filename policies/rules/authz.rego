# METADATA
# title: Who may call what
# description: |
#   Asked for each call with a verified peer. Rules are few and general; who may call what is data, keyed for look-up:
#   `data.grants[self][peer][operation]` is a grant, `{}` or with obligations and allowed origins. What no rule allows is
#   refused. A rule that a refusal names carries the refusal's codes as `custom`: whoever explains a decision looks them up.
# schemas:
#   - input: schema.input
#   - data.grants: schema.grants
package countersign.authz

# METADATA
# title: The decision
# description: |
#   The one document that services read. `allow` is true only by what holds positively; every other branch refuses and
#   says why. The first reason that fits is given, so a log tells an unknown service from an unknown peer from an
#   operation the peer lacks.
# entrypoint: true
# custom:
#   rule: default-deny
#   reason: no-rule-applies
default decision := {"allow": false, "reason": "no-rule-applies", "rule": "default-deny", "obligations": []}

decision := allowed(obligations) if {
	input_consistent
	grant_understood
	origin_allowed
} else := refused("input-missing", "input-is-object") if {
	not input_is_object
} else := refused("operation-unmatched", "operation-is-matched") if {
	operation_unmatched
} else := refused("input-inconsistent", "input-is-consistent") if {
	not input_consistent
} else := refused("service-has-no-grants", "service-has-grants") if {
	not service_has_grants
} else := refused("peer-has-no-grant", "peer-has-grant") if {
	not peer_has_grant
} else := refused("operation-not-granted", "operation-is-granted") if {
	not grant
} else := refused("grant-not-understood", "grant-is-understood") if {
	not grant_understood
} else := refused("chain-required", "chain-is-present") if {
	not chain_present
} else := refused("origin-not-allowed", "origin-is-allowed") if {
	not origin_allowed
}

# METADATA
# title: There is an input
# description: |
#   An evaluator that is given broken JSON evaluates with no input at all, and without an error. A rule of its own, as are
#   the two below: `not f(input)` has no value, instead of being true, when there is no input.
# custom:
#   rule: input-is-object
#   reason: input-missing
input_is_object if is_object(input)

# METADATA
# title: The request is one of the service's operations
# description: For one that is none, a service asks about `unmatched`, so that it is refused and recorded like any other.
# custom:
#   rule: operation-is-matched
#   reason: operation-unmatched
operation_unmatched if input.operation == "unmatched"

# METADATA
# title: Some grant is for the service called
# custom:
#   rule: service-has-grants
#   reason: service-has-no-grants
service_has_grants if data.grants[input.self.spiffe_id]

# METADATA
# title: Some grant for the service called names the peer
# custom:
#   rule: peer-has-grant
#   reason: peer-has-no-grant
peer_has_grant if data.grants[input.self.spiffe_id][input.peer.spiffe_id]

# METADATA
# title: A grant fits this call
# description: Three look-ups, by called service, peer and operation, whatever the number of grants.
# custom:
#   rule: operation-is-granted
#   reason: operation-not-granted
grant := data.grants[input.self.spiffe_id][input.peer.spiffe_id][input.operation]

# METADATA
# title: Every part of the grant is known to these rules
# description: A condition or an obligation that is misspelt must not turn into a grant without it.
# custom:
#   rule: grant-is-understood
#   reason: grant-not-understood
grant_understood if {
	terms_understood(grant, {"mask", "origins"})
	origins_understood
	origin_terms_understood
}

# METADATA
# title: A grant, or what it says of one origin, has known parts only
terms_understood(terms, known) if {
	is_object(terms)
	object.keys(terms) - known == set()
	mask := object.get(terms, "mask", [])
	is_array(mask)
	every field in mask {
		is_string(field)
	}
}

# METADATA
# title: The grant names no origins, or some
# description: An empty list of origins is no list of nobody that somebody meant. It is looked at as a whole, never scanned.
origins_understood if not "origins" in object.keys(grant)

origins_understood if {
	is_object(grant.origins)
	count(grant.origins) > 0
}

# METADATA
# title: What the grant says of this call's origin is known to these rules
# description: Other origins' entries are not looked at, however many there are.
origin_terms_understood if not origin_named

origin_terms_understood if terms_understood(grant.origins[origin], {"mask"})

# METADATA
# title: The grant has an entry for this call's origin
# description: Whatever the entry is, so that one of `false` or `null` is seen, and not understood.
origin_named if _ = grant.origins[origin]

# METADATA
# title: The workload that the call began at
# description: The issuer of the caller chain's first link. The service verified the chain before it asked.
origin := input.chain[0].spiffe_id

# METADATA
# title: The call carries a caller chain where its grant names origins
# description: |
#   A peer that acts for others can't act as itself by leaving the chain out.
# custom:
#   rule: chain-is-present
#   reason: chain-required
chain_present if not grant.origins

chain_present if count(input.chain) > 0

# METADATA
# title: The call began at an origin that its grant names
# description: A grant that names no origins holds for any, and for calls without a chain.
# custom:
#   rule: origin-is-allowed
#   reason: origin-not-allowed
origin_allowed if not grant.origins

origin_allowed if origin_named

# METADATA
# title: What the service owes before it answers
# description: The grant's mask and the origin's, so that a field that is kept from an origin is kept from it at every hop.
obligations := [{"kind": "mask", "fields": masked_fields}] if count(masked_fields) > 0

else := []

# METADATA
# title: Fields that are kept from the peer or from the origin
masked_fields := array.concat(grant_mask, [field | some field in origin_mask; not field in grant_mask])

# METADATA
# title: Fields that are kept from the peer
grant_mask := object.get(grant, "mask", [])

# METADATA
# title: Fields that are kept from the origin
origin_mask := object.get(grant, ["origins", origin, "mask"], [])

# METADATA
# title: No origin, no mask of its own
default origin_mask := []

# METADATA
# title: The input does not contradict itself
# description: |
#   The operation that is looked up is the one that was called, the peer's parts are those of its ID, and a caller chain
#   ends at the peer.
# custom:
#   rule: input-is-consistent
#   reason: input-inconsistent
input_consistent if {
	peer_consistent
	operation_consistent
	chain_consistent
}

# METADATA
# title: The peer's ID, trust domain and path are one ID
peer_consistent if {
	input.peer.spiffe_id == concat("/", array.concat(["spiffe:/", input.peer.trust_domain], input.peer.path))
}

# METADATA
# title: The operation is of the transport it came by
# description: |
#   HTTP: the matched route begins with the request's method, and has as many segments as its path. gRPC: it is the
#   method called.
operation_consistent if {
	input.transport == "http"
	not input.grpc
	[method, route] := split(input.operation, " ")
	method == input.http.method
	route_segments(route) == count(input.http.path)
} else if {
	input.transport == "grpc"
	not input.http
	input.operation == concat("/", ["", input.grpc.service, input.grpc.method])
}

# METADATA
# title: The caller chain is empty, or ends at the peer with this call
# description: |
#   The chain was verified before; what is left to see is that it is this call's. The last link's `act` is the gRPC method,
#   or the HTTP method and a path.
chain_consistent if input.chain == []

chain_consistent if {
	is_array(input.chain)
	last := input.chain[count(input.chain) - 1]
	last.spiffe_id == input.peer.spiffe_id
	act_consistent(last.act)
	every link in input.chain {
		link_well_formed(link)
	}
}

# METADATA
# title: What the peer signed for is what it called
act_consistent(act) if {
	input.transport == "grpc"
	act == input.operation
} else if {
	input.transport == "http"
	startswith(act, concat("", [input.http.method, " /"]))
}

# METADATA
# title: A link says who called, what and when
# description: By parts of the text and not by a pattern, which would be compiled for each decision.
link_well_formed(link) if {
	startswith(link.spiffe_id, "spiffe://")
	contains(link.act, "/")
	substring(link.issued_at, 10, 1) == "T"
	endswith(link.issued_at, "Z")
}

# METADATA
# title: Number of segments of a route
route_segments("/") := 0

route_segments(route) := count(split(route, "/")) - 1 if {
	startswith(route, "/")
	route != "/"
}

# METADATA
# title: A grant fits, and the call meets its conditions
# custom:
#   rule: grant
#   reason: granted
allowed(owed) := {"allow": true, "reason": "granted", "rule": "grant", "obligations": owed}

# METADATA
# title: A decision to refuse
refused(reason, rule) := {"allow": false, "reason": reason, "rule": rule, "obligations": []}
