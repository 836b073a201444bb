import { builtin, stringOf, type BuiltinTable } from "./builtin-table.ts";
import { BuiltinError } from "./rego-error.ts";

const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:[0-9A-Za-z-]+)(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/;

export const VERSIONS: BuiltinTable = {
  "semver.is_valid": builtin(1, ([text]) => typeof text === "string" && SEMVER.test(text)),
  "semver.compare": builtin(2, ([a, b]) => compareVersions(stringOf(a), stringOf(b))),
};

/** semver.org §11. */
function compareVersions(a: string, b: string): number {
  const [these, those] = [parse(a), parse(b)];
  for (const [i, number] of these.numbers.entries()) {
    const other = those.numbers[i] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  if (these.pre.length === 0 || those.pre.length === 0) return Math.sign(those.pre.length - these.pre.length);
  for (const [i, part] of these.pre.entries()) {
    const other = those.pre[i];
    if (other === undefined) return 1;
    const order = comparePart(part, other);
    if (order !== 0) return order;
  }
  return these.pre.length < those.pre.length ? -1 : 0;
}

function comparePart(a: string, b: string): number {
  const [isNumber, isOther] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumber && isOther) return Math.sign(Number(BigInt(a) - BigInt(b)));
  if (isNumber !== isOther) return isNumber ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function parse(text: string): { readonly numbers: readonly bigint[]; readonly pre: readonly string[] } {
  const [, major, minor, patch, pre] = SEMVER.exec(text) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) throw new BuiltinError(`${JSON.stringify(text)} is not a valid semver`);
  return { numbers: [major, minor, patch].map(BigInt), pre: pre === undefined ? [] : pre.split(".") };
}
