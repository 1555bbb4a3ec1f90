# METADATA
# title: Who may call what
# description: |
#   Asked for each call with a verified peer. Rules are few and general; who may call what is data, keyed for look-up:
#   `data.grants[self][peer][operation]` is a grant, `{}` or with obligations. What no rule allows is refused.
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
default decision := {"allow": false, "reason": "no-rule-applies", "rule": "default-deny", "obligations": []}

decision := allowed(obligations) if {
	input_consistent
	grant_understood
} else := refused("input-missing", "input-is-object") if {
	not input_is_object
} else := refused("operation-unmatched", "operation-is-matched") if {
	# What a service asks for a request that is none of its operations, so that it is refused and recorded like any other.
	input.operation == "unmatched"
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
}

# METADATA
# title: There is an input
# description: |
#   An evaluator that is given broken JSON evaluates with no input at all, and without an error. A rule of its own, as are
#   the two below: `not f(input)` has no value, instead of being true, when there is no input.
input_is_object if is_object(input)

# METADATA
# title: Some grant is for the service called
service_has_grants if data.grants[input.self.spiffe_id]

# METADATA
# title: Some grant for the service called names the peer
peer_has_grant if data.grants[input.self.spiffe_id][input.peer.spiffe_id]

# METADATA
# title: The grant that fits this call
# description: Three look-ups, whatever the number of grants.
grant := data.grants[input.self.spiffe_id][input.peer.spiffe_id][input.operation]

# METADATA
# title: Every part of the grant is known to these rules
# description: A condition or an obligation that is misspelt must not turn into a grant without it.
grant_understood if {
	is_object(grant)
	object.keys(grant) - {"mask"} == set()
	mask := object.get(grant, "mask", [])
	is_array(mask)
	every field in mask {
		is_string(field)
	}
}

# METADATA
# title: What the service owes before it answers
obligations := [{"kind": "mask", "fields": grant.mask}] if count(grant.mask) > 0

else := []

# METADATA
# title: The input does not contradict itself
# description: The operation that is looked up is the one that was called, and the peer's parts are those of its ID.
input_consistent if {
	peer_consistent
	operation_consistent
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
# title: Number of segments of a route
route_segments("/") := 0

route_segments(route) := count(split(route, "/")) - 1 if {
	startswith(route, "/")
	route != "/"
}

# METADATA
# title: A decision to allow
allowed(owed) := {"allow": true, "reason": "granted", "rule": "grant", "obligations": owed}

# METADATA
# title: A decision to refuse
refused(reason, rule) := {"allow": false, "reason": reason, "rule": rule, "obligations": []}
