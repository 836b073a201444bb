import { readKernelText } from "./counters.ts";
import type { UsageObject } from "./usage-tree.ts";

/** What waited for a resource, and how long (Documentation/accounting/psi.rst); undefined where the kernel does not tell. */
export async function readPressure(path: string): Promise<UsageObject | undefined> {
  const text = await readKernelText(path);
  return text === undefined ? undefined : parsePressure(text);
}

/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` and the same of `full`. */
export function parsePressure(text: string): UsageObject {
  const lines = new Map(text.split("\n").map((line) => {
    const [kind = "", ...values] = line.trim().split(/\s+/);
    return [kind, pressureValues(values)] as const;
  }));
  return { some: lines.get("some") ?? null, full: lines.get("full") ?? null };
}

function pressureValues(texts: readonly string[]): UsageObject {
  const values = new Map(texts.map((text) => {
    const [name = "", value] = text.split("=");
    return [name, Number(value)] as const;
  }));
  const valueOf = (name: string): number | null => values.get(name) ?? null;
  return { avg10: valueOf("avg10"), avg60: valueOf("avg60"), avg300: valueOf("avg300"), total: valueOf("total") };
}
