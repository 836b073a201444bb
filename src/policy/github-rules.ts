/**
 * Rules that buildx gives to every policy, under the names that it gives them: whether an image, or a web file, was built and
 * signed by Docker's builder for GitHub out of that repository. What signatures and attestations hold was verified before.
 */
export const GITHUB_RULES = `package docker

docker_github_builder(image, repo) if {
	image.hasProvenance == true
	some signature in image.signatures
	docker_github_builder_signature(signature, repo)
}

docker_github_builder_tag(image, repo, tag) if {
	docker_github_builder(image, repo)
	some signature in image.signatures
	signature.signer.sourceRepositoryRef == concat("", ["refs/tags/", tag])
}

docker_github_builder_signature(signature, repo) if {
	signature.kind == "docker-github-builder"
	signature.type == "bundle-v0.3"
	count(signature.timestamps) > 0
	by := signature.signer
	by.certificateIssuer == "CN=sigstore-intermediate,O=sigstore.dev"
	by.issuer == "https://token.actions.githubusercontent.com"
	by.runnerEnvironment == "github-hosted"
	by.sourceRepositoryURI == concat("/", ["https://github.com", repo])
}

docker_github_builder_bundle(http, filename, repo) if {
	docker_github_builder_signature(artifact_attestation(http, filename), repo)
}

github_release_attestation(http) := github_attestation(http, concat("/", [owner, repo])) if {
	http.schema == "https"
	lower(http.host) == "github.com"
	some [_, owner, repo] in regex.find_all_string_submatch_n("^/([^/]+)/([^/]+)/releases/download/[^/]+/.+$", http.path, 1)
}
`;
