/** A finding of our own. The prefix keeps it from ever being taken for one of BuildKit's. */
export type AdviceRule =
  | "stemma/unpinned-base"
  | "stemma/no-version-control-label"
  | "stemma/unpinned-package"
  | "stemma/secret-value"
  | "stemma/copy-before-install"
  | "stemma/unverified-fetch";

export interface AdviceRuleText {
  /** What the rule asks for. */
  readonly description: string;
  /** What to do instead, in one sentence. */
  readonly advice: string;
  /** The page that explains it, from the root of the package. */
  readonly page: string;
}

export const ADVICE_PREFIX = "stemma/";

const RULES: Readonly<Record<AdviceRule, AdviceRuleText>> = {
  "stemma/unpinned-base": text(
    "unpinned-base",
    "Base images should be pinned by a digest or a specific tag",
    "Name a tag that says a version, or add the image's digest.",
  ),
  "stemma/no-version-control-label": text(
    "no-version-control-label",
    "Images should be labelled with the sources that they are built from",
    "Set org.opencontainers.image.source and org.opencontainers.image.revision, with LABEL or with --label.",
  ),
  "stemma/unpinned-package": text(
    "unpinned-package",
    "Packages should be installed in stated versions",
    "State the version of each package, or install from a lock file.",
  ),
  "stemma/secret-value": text(
    "secret-value",
    "Secrets should not stand by value in ARG or ENV",
    "Give the secret to the one step that needs it: RUN --mount=type=secret,id=NAME,env=NAME.",
  ),
  "stemma/copy-before-install": text(
    "copy-before-install",
    "Dependencies should be installed before the whole context is copied",
    "Copy what the installation reads, install, and only then copy the rest: a change elsewhere no longer installs everything anew.",
  ),
  "stemma/unverified-fetch": text(
    "unverified-fetch",
    "What a RUN fetches over the network should be checked",
    "Fetch it with ADD --checksum=sha256:…, or check it in the same RUN with `sha256sum -c` or a signature.",
  ),
};

function text(page: string, description: string, advice: string): AdviceRuleText {
  return { description, advice, page: `docs/rules/${page}.md` };
}

export function adviceRuleText(rule: AdviceRule): AdviceRuleText {
  return RULES[rule];
}

export function adviceRules(): readonly AdviceRule[] {
  // The keys of the table are its type's keys.
  return Object.keys(RULES) as AdviceRule[];
}

/** The rule of that name, with the prefix or without; undefined for a name that is no rule's. */
export function adviceRuleOf(name: string): AdviceRule | undefined {
  return adviceRules().find((rule) => rule === name || rule === ADVICE_PREFIX + name);
}
