import type { VerifiedBundle } from "./sigstore.ts";

/** Whose signature it is, as buildx sorts them. */
export type SignatureKind = "docker-github-builder" | "docker-hardened-image" | "self-signed-github-repo" | "self-signed" | "untrusted";

const SIGSTORE = "CN=sigstore-intermediate,O=sigstore.dev";
const GITHUB = "https://github.com/";
const GITHUB_ACTIONS = "https://token.actions.githubusercontent.com";
const DOCKER_BUILDERS: readonly string[] = [`${GITHUB}docker/github-builder/.github/workflows/`, `${GITHUB}docker/github-builder-experimental/.github/workflows/`];

/** In what form a signature is kept, as buildx names it. */
export type SignatureType = "bundle-v0.3" | "simplesigning-v1";

/** Of a signature that was verified. Docker's builder signs in bundles. */
export function signatureKind({ signer, timestamps }: VerifiedBundle, type: SignatureType): SignatureKind {
  const { certificateIssuer, issuer, subjectAlternativeName, extensions } = signer;
  if (certificateIssuer !== SIGSTORE) return "untrusted";
  const { buildSignerURI = "", sourceRepositoryURI = "", runnerEnvironment } = extensions;
  const isHosted = issuer === GITHUB_ACTIONS && runnerEnvironment === "github-hosted" && sourceRepositoryURI.startsWith(GITHUB);
  if (!isHosted) return "self-signed";
  const isBy = (workflows: string): boolean => buildSignerURI.startsWith(workflows) && subjectAlternativeName.startsWith(workflows);
  // The certificate's name and what built may be of the one and of the other.
  const isDocker = [buildSignerURI, subjectAlternativeName].every((uri) => DOCKER_BUILDERS.some((workflows) => uri.startsWith(workflows)));
  if (isDocker && timestamps.length > 0 && type === "bundle-v0.3") return "docker-github-builder";
  return isBy(`${sourceRepositoryURI}/.github/workflows/`) ? "self-signed-github-repo" : "self-signed";
}
