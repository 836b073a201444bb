/** As buildx calls it. */
export const DEFAULT_POLICY_NAME = "buildx_default_policy.rego";

/**
 * What BUILDX_DEFAULT_POLICY asks for: images of Docker's that builds load by themselves have to be signed by its builder, from
 * the release on that was the first to be. All else is allowed, and so is a name without a tag: that is a digest's.
 */
export const DEFAULT_POLICY = `package docker

# By repository: where its sources are, the tags that move, the first release that is signed, and what the source's tags begin with.
kinds := {
	"docker.io/docker/dockerfile": {"source": "moby/buildkit", "moving": {"latest", "labs", "master"}, "since": [1, 21], "prefix": "refs/tags/dockerfile/"},
	"docker.io/docker/dockerfile-upstream": {"source": "moby/buildkit", "moving": {"latest", "labs", "master"}, "since": [1, 21], "prefix": "refs/tags/dockerfile/"},
	"docker.io/docker/buildkit-syft-scanner": {"source": "docker/buildkit-syft-scanner", "moving": {"latest"}, "since": [1, 10], "prefix": "refs/tags/"},
}

kind := kinds[input.image.fullRepo]

is_buildkit if input.image.fullRepo == "docker.io/moby/buildkit"

buildkit_moving := {"latest", "latest-ubuntu", "rootless", "master", "master-rootless", "master-ubuntu", "nightly", "nightly-rootless", "nightly-ubuntu"}

# [major, minor, is of the labs channel]. A major alone is its newest release.
version(tag) := [to_number(found[1]), minor(found[2]), found[3] == "-labs"] if {
	some found in regex.find_all_string_submatch_n("^([0-9]+)(?:[.]([0-9]+)(?:[.][0-9]+)?)?(-labs)?$", tag, 1)
}

minor("") := 999999

minor(text) := to_number(text) if text != ""

buildkit_release(tag) := found[1] if {
	some found in regex.find_all_string_submatch_n("^(v[0-9]+[.][0-9]+[.][0-9]+(?:-rc[0-9]+)?)(?:-rootless|-ubuntu)?$", tag, 1)
}

buildkit_signed(release) if {
	some found in regex.find_all_string_submatch_n("^v([0-9]+)[.]([0-9]+)[.]", release, 1)
	[to_number(found[1]), to_number(found[2])] >= [0, 27]
}

moves if input.image.tag in kind.moving

moves if {
	is_buildkit
	input.image.tag in buildkit_moving
}

moves if {
	is_buildkit
	regex.match("^buildx-stable-[0-9]+(?:-rootless|-gpu)?$", input.image.tag)
}

has_to_be_signed if moves

has_to_be_signed if {
	[major, minor_part, _] := version(input.image.tag)
	[major, minor_part] >= kind.since
}

has_to_be_signed if {
	is_buildkit
	buildkit_signed(buildkit_release(input.image.tag))
}

is_signed if {
	moves
	some signature in input.image.signatures
	docker_github_builder_signature(signature, source)
}

is_signed if {
	not moves
	some signature in input.image.signatures
	docker_github_builder_signature(signature, source)
	is_release_of(signature.signer.sourceRepositoryRef, input.image.tag)
}

source := kind.source

source := "moby/buildkit" if is_buildkit

is_release_of(ref, tag) if {
	is_buildkit
	ref == concat("", ["refs/tags/", buildkit_release(tag)])
}

is_release_of(ref, tag) if {
	startswith(ref, kind.prefix)
	is_of(trim_prefix(ref, kind.prefix), tag)
}

is_of(release, tag) if release == tag

is_of(release, tag) if {
	regex.match("^[0-9]+[.][0-9]+(?:-labs)?$", tag)
	version(release) == version(tag)
}

is_of(release, tag) if {
	regex.match("^[0-9]+(?:-labs)?$", tag)
	[major, _, labs] := version(release)
	[major, _, labs] = version(tag)
}

deny_msg contains sprintf("image %s is not allowed by default policy: a verified docker-github-builder signature is required for %s tag", [input.image.ref, input.image.tag]) if {
	input.image.tag
	has_to_be_signed
	not is_signed
}

decision := {"allow": count(deny_msg) == 0, "deny_msg": deny_msg}
`;
