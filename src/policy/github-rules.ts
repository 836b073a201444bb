/**
 * Rules that buildx gives to every policy, under the names that it gives them. All of them look at signatures or call what verifies
 * one, which stops the build: they are here so that a policy with them is told this, and not that there is no such function.
 */
export const GITHUB_RULES = `package docker

docker_github_builder(image, repo) if {
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
	signature.signer.issuer == "https://token.actions.githubusercontent.com"
	signature.signer.sourceRepositoryURI == concat("/", ["https://github.com", repo])
	signature.signer.runnerEnvironment == "github-hosted"
	count(signature.timestamps) > 0
}

docker_github_builder_bundle(http, filename, repo) if {
	docker_github_builder_signature(artifact_attestation(http, filename), repo)
}

github_release_attestation(http) := github_attestation(http, http.host)
`;
