import type { GitActor, GitSignature } from "../git/signed-object.ts";
import type { GitObjects } from "../source/git-objects.ts";
import { isPgpSignature, parsePgpSignature } from "../trust/pgp-signature.ts";
import { isSshSignature, parseSshSignature, sshFingerprint } from "../trust/ssh-signature.ts";
import { TrustError } from "../trust/trust-error.ts";
import type { SourceFacts } from "./policy-input.ts";

/** `input.git.commit` and `tag`, as buildx shows them. What a signature says of itself is shown, and nothing of that is verified. */
export function gitObjectFacts({ hash, commit, tag }: GitObjects): Pick<SourceFacts, "members" | "signed"> {
  const { tree, parents, author, committer, message } = commit;
  const signed = [["commit", commit.signature], ["tag", tag?.signature]] as const;
  return {
    members: {
      commitChecksum: hash,
      isAnnotatedTag: tag !== undefined,
      commit: { tree, parents: parents.length === 0 ? undefined : parents, author: actor(author), committer: actor(committer), message: said(message), ...claims(commit.signature) },
      tag: tag === undefined ? undefined : { object: tag.object, type: tag.type, tag: tag.tag, tagger: tag.tagger === undefined ? undefined : actor(tag.tagger), message: said(tag.message), ...claims(tag.signature) },
    },
    signed: new Map(signed.flatMap(([name, signature]) => (signature === undefined ? [] : [[name, signature] as const]))),
  };
}

function said(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function actor({ name, email, when }: GitActor): object {
  return { name: said(name), email: said(email), when };
}

function claims(signature: GitSignature | undefined): object {
  if (signature === undefined) return {};
  const { text } = signature;
  try {
    if (isPgpSignature(text)) {
      const { version, keyId } = parsePgpSignature(text);
      return { pgpSignature: { version, keyID: keyId } };
    }
    if (!isSshSignature(text)) return {};
    const { version, publicKey } = parseSshSignature(text);
    return { sshSignature: { version, pubKey: sshFingerprint(publicKey) } };
  } catch (error) {
    // Whoever cannot be read has said nothing.
    if (error instanceof TrustError) return {};
    throw error;
  }
}
