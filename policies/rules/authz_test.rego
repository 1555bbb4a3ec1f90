# METADATA
# title: Tests of the rules
# description: |
#   Most cases are data, `policies/inputs/*.json`: the compiled policy, the guards and `npm run policy -- explain` are asked
#   the same. What is here can't be said as an input with grants, or holds for all of them.
package countersign.authz_test

import data.countersign.authz

refusal(reason, rule) := {"allow": false, "reason": reason, "rule": rule, "obligations": []}

# One entry for each case of each file: the name a failure is known by, the case, the file's grants.
cases[name] := {"input": one.input, "expected": one.expected, "grants": file.grants} if {
	some topic, file in data.inputs
	some one in file.cases
	name := sprintf("%s: %s", [topic, one.name])
}

allowed_cases := {name: one | some name, one in cases; one.expected.allow}

test_decided_as_expected[name] if {
	some name, one in cases
	authz.decision == one.expected with input as one.input with data.grants as one.grants
}

# A loop over nothing passes: files that were not loaded, or hold no cases, must fail.
test_refusals_outnumber_allowances_in_the_cases if {
	count(allowed_cases) >= 9
	count(cases) > 3 * count(allowed_cases)
}

test_every_reason_has_a_case if {
	{one.expected.reason | some one in cases} == {
		"granted",
		"input-missing",
		"input-inconsistent",
		"operation-unmatched",
		"service-has-no-grants",
		"peer-has-no-grant",
		"operation-not-granted",
		"grant-not-understood",
		"chain-required",
		"origin-not-allowed",
	}
}

# Whatever the decision, it has the shape that services check.
test_every_decision_fits_the_result_schema[name] if {
	some name, one in cases
	result := authz.decision with input as one.input with data.grants as one.grants
	[true, []] == json.match_schema(result, data.schemas.result)
}

# Inputs that are allowed are inputs that the input schema accepts: the tests ask what services ask.
test_allowed_inputs_fit_the_input_schema[name] if {
	some name, one in allowed_cases
	[true, []] == json.match_schema(one.input, data.schemas.input)
}

grants := data.inputs.http.grants

a_route := [one.input | some one in data.inputs.http.cases; one.name == "a route"][0]

test_no_input_at_all if {
	authz.decision == refusal("input-missing", "input-is-object") with data.grants as grants
}

test_refused_without_grants if {
	expected := refusal("service-has-no-grants", "service-has-grants")
	authz.decision == expected with input as a_route with data.grants as {}
}

test_refused_without_operations if {
	expected := refusal("operation-not-granted", "operation-is-granted")
	granted := {a_route.self.spiffe_id: {a_route.peer.spiffe_id: {}}}
	authz.decision == expected with input as a_route with data.grants as granted
}

test_refused_when_grant_is_false if {
	expected := refusal("operation-not-granted", "operation-is-granted")
	granted := {a_route.self.spiffe_id: {a_route.peer.spiffe_id: {a_route.operation: false}}}
	authz.decision == expected with input as a_route with data.grants as granted
}

# `max` has no value for an empty array: it stands for a rule that has none where all conditions hold.
test_default_is_to_refuse if {
	expected := refusal("no-rule-applies", "default-deny")
	authz.decision == expected with input as a_route
		with data.grants as grants
		with data.countersign.authz.allowed as max
}
