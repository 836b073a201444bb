import { GoValue, inside, isNil, type Maybe } from "./value.ts";

/** What is printed for a value: what its pointers point to; nil pointers as they are. Undefined where there is none. */
export function printable(value: Maybe): Maybe {
  const held = inside(value);
  if (held?.type.kind !== "pointer" || isNil(held)) return held;
  return new GoValue(held.type.element, held.raw);
}
