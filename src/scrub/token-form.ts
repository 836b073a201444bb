import type { SecretSpan } from "./secret-span.ts";

/**
 * Secrets that tell themselves by their form, whatever they are called. Each row is an issuer's own form: the letters that
 * it begins with, then what follows. All are read in one pass, so that a text costs the same however many rows there are.
 */
export const ISSUERS: ReadonlyArray<readonly [issuer: string, form: string]> = [
  ["GitHub", "gh[pousr]_[A-Za-z0-9_]{36,}(?:\\.[A-Za-z0-9_-]+)*"],
  ["GitHub, fine-grained", "github_pat_[A-Za-z0-9_]{22,}"],
  ["GitLab", "gl(?:pat|dt|rt|rtr|cbt|ptt|ft|soat|imt|agent|oas|ffct|wt)-[A-Za-z0-9_-]{20,}(?:\\.[a-z0-9]{2,})*"],
  ["GitLab, runner registration", "GR1348941[A-Za-z0-9_-]{20,}"],
  ["Bitbucket, Atlassian", "(?:ATATT3x|ATBB|ATCTT3x|BBDC-)[A-Za-z0-9_=+/-]{20,}"],
  ["npm", "npm_[A-Za-z0-9]{36,}"],
  ["PyPI", "pypi-Ag[A-Za-z0-9_-]{30,}"],
  ["RubyGems", "rubygems_[0-9a-f]{48}"],
  ["crates.io", "cio[A-Za-z0-9]{32}"],
  ["NuGet", "oy2[a-z0-9]{43}"],
  ["Clojars", "CLOJARS_[A-Za-z0-9]{60}"],
  ["Docker", "dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"],
  ["Docker Swarm", "SWMTKN-1-[a-z0-9]{20,}-[a-z0-9]{20,}"],
  ["JFrog", "AKCp[A-Za-z0-9]{60,}"],
  ["AWS, key id", "(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}"],
  ["AWS, marketplace", "amzn\\.mws\\.[0-9a-f]{8}-[0-9a-f-]{27}"],
  ["AWS, Bedrock", "ABSK[A-Za-z0-9+/]{100,}={0,2}"],
  ["Google, API key", "AIza[A-Za-z0-9_-]{35}"],
  ["Google, OAuth", "ya29\\.[A-Za-z0-9_-]{20,}"],
  ["Google, refresh token", "1//0[A-Za-z0-9_-]{40,}(?![+/])"],
  ["Google, client secret", "GOCSPX-[A-Za-z0-9_-]{24,}"],
  ["Slack", "xox[abceoprsd](?:\\.xox[bp])?-[A-Za-z0-9-]{10,}"],
  ["Slack, app", "xapp-[A-Za-z0-9-]{20,}"],
  ["Stripe", "(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,}"],
  ["Stripe, webhook", "whsec_[A-Za-z0-9+/=]{24,}"],
  ["SendGrid", "SG\\.[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}"],
  ["Twilio", "SK[0-9a-f]{32}"],
  ["Square", "sq0(?:atp|csp)-[A-Za-z0-9_-]{22,}"],
  ["Shopify", "shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32,}"],
  ["Discord", "[MNO][A-Za-z0-9_-]{23,27}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,}"],
  ["OpenAI", "sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}"],
  ["Anthropic", "sk-ant-[A-Za-z0-9_-]{20,}"],
  ["Hugging Face", "hf_[A-Za-z0-9]{34,}"],
  ["Groq", "gsk_[A-Za-z0-9]{50,}"],
  ["Databricks", "dapi[0-9a-f]{32}(?:-[0-9])?"],
  ["HashiCorp Vault", "hv[sbr]\\.[A-Za-z0-9_-]{20,}"],
  ["DigitalOcean", "do[opr]_v1_[0-9a-f]{64}"],
  ["Heroku", "HRKU-[A-Za-z0-9_-]{30,}"],
  ["Fly.io", "fm2_[A-Za-z0-9+/=_-]{60,}"],
  ["Vercel", "vc[piark]_[A-Za-z0-9]{20,60}"],
  ["Netlify", "nf[pcoub]_[A-Za-z0-9_]{36,}"],
  ["Supabase", "sb(?:p|_secret)_[A-Za-z0-9_]{30,}"],
  ["PlanetScale", "pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_=.-]{30,}"],
  ["Doppler", "dp\\.(?:pt|st|ct|sa|scim|audit)\\.[A-Za-z0-9_.-]{40,}"],
  ["1Password", "ops_ey[A-Za-z0-9+/=]{60,}"],
  ["Linear", "lin_(?:api|oauth)_[A-Za-z0-9]{32,}"],
  ["Notion", "ntn_[0-9]{11}[A-Za-z0-9]{30,}"],
  ["Figma", "fig[durho]{1,2}_[A-Za-z0-9_-]{40,}"],
  ["Postman", "PMAK-[0-9a-f]{24}-[0-9a-f]{34}"],
  ["Grafana", "gl(?:c|sa)_[A-Za-z0-9+/_=]{32,}"],
  ["New Relic", "NR(?:AK|II|JS|RA)-[A-Za-z0-9_-]{19,}"],
  ["Sentry", "sntry[su]_[A-Za-z0-9+/=_-]{40,}"],
  ["Tailscale", "tskey-[A-Za-z0-9]+-[A-Za-z0-9_-]{16,}"],
  ["Buildkite", "bk(?:ua|ct)_[A-Za-z0-9]{40,}"],
  ["CircleCI", "CCI(?:PAT|PRJ)_[A-Za-z0-9]+_[0-9a-f]{40}"],
  ["Pulumi", "pul-[0-9a-f]{40}"],
  ["age", "AGE-SECRET-KEY-1[A-Z0-9]{58}"],
  ["JSON web token", "eyJ[A-Za-z0-9_-]{10,}\\.eyJ[A-Za-z0-9_-]{10,}(?:\\.[A-Za-z0-9_-]*)?"],
];

/** A token stands alone: in the middle of a longer word, such as a digest in base64, its letters mean nothing. */
export const TOKEN: RegExp = new RegExp(`(?<![A-Za-z0-9_+])(?:${ISSUERS.map(([, form]) => form).join("|")})(?![A-Za-z0-9])`, "g");

/** Tokens with their mark behind a part that anything could be: the mark is looked for, and what stands before it then. */
const MARKED: ReadonlyArray<readonly [issuer: string, before: RegExp, mark: RegExp]> = [
  ["Azure, client secret", /[A-Za-z0-9_~.-]{3}$/, /[78]Q~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9])/g],
  ["Azure DevOps", /(?<![A-Za-z0-9])[A-Za-z0-9]{76}$/, /AZDO[A-Za-z0-9]{4}(?![A-Za-z0-9])/g],
  // 64, 32 and 39 bytes in base64, so of one length each: any other text in base64 has such letters somewhere.
  ["Azure, storage and databases", /[A-Za-z0-9+/]{76}$/, /(?:\+ASt|ACDb)[A-Za-z0-9+/]{6}==(?![A-Za-z0-9=])/g],
  ["Azure, messages, devices and caches", /(?<![A-Za-z0-9+])[A-Za-z0-9+/]{33}$/, /(?:\+(?:AEh|ASb)|AIoT|AzCa)[A-Za-z0-9+/]{6}=(?![A-Za-z0-9=])/g],
  ["Azure, registries and search", /(?<![A-Za-z0-9+])[A-Za-z0-9+/]{42}$/, /(?:\+ACR|AzSe)[A-Za-z0-9+/]{6}(?![A-Za-z0-9+=])/g],
  ["Mailchimp", /(?<![A-Za-z0-9])[0-9a-f]{32}$/, /-us[0-9]{1,2}\b/g],
  ["Mailgun", /(?<![A-Za-z0-9_+])[0-9a-f]{32}$/, /-[0-9a-f]{8}-[0-9a-f]{8}(?![A-Za-z0-9])/g],
  ["Telegram", /(?<![A-Za-z0-9_+])[0-9]{8,10}$/, /:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9])/g],
  ["HashiCorp Terraform", /(?<![A-Za-z0-9])[A-Za-z0-9]{14}$/, /\.atlasv1\.[A-Za-z0-9_=-]{60,}/g],
];
const BEFORE_CHARACTERS_MAX = 90;

export const MAY_HOLD_WEBHOOK: RegExp = /hooks\.slack\.com\/|\/api\/webhooks\/|\/webhookb2\//;
/** Addresses that let in whoever knows them. What is secret is behind the last name that all have in common. */
const WEBHOOK = /(?<=\bhooks\.slack\.com\/(?:services|workflows|triggers)\/|\bdiscord(?:app)?\.com\/api\/webhooks\/|\.webhook\.office\.com\/webhookb2\/)[A-Za-z0-9_@/-]{10,}/g;

/** What every mark has. */
export const ANY_MARK: RegExp = /[78]Q~|AZDO|\+(?:ASt|AEh|ASb|ACR)|AIoT|ACDb|AzCa|AzSe|-us\d|-[0-9a-f]{8}-|:AA|atlasv1/;

/** Tokens by the forms of their issuers. */
export function findTokens(text: string): readonly SecretSpan[] {
  const forms = MAY_HOLD_WEBHOOK.test(text) ? [TOKEN, WEBHOOK] : [TOKEN];
  const shown = forms.flatMap((form) => [...text.matchAll(form)].map(({ 0: token, index }): SecretSpan => ({ start: index, end: index + token.length, kind: "token" })));
  return ANY_MARK.test(text) ? [...shown, ...markedTokens(text)] : shown;
}

function markedTokens(text: string): readonly SecretSpan[] {
  return MARKED.flatMap(([, before, mark]) => [...text.matchAll(mark)].flatMap(({ 0: found, index }): readonly SecretSpan[] => {
    const start = before.exec(text.slice(Math.max(0, index - BEFORE_CHARACTERS_MAX), index));
    return start === null ? [] : [{ start: index - start[0].length, end: index + found.length, kind: "token" }];
  }));
}
