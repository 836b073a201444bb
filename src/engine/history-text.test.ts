import assert from "node:assert/strict";
import { test } from "node:test";
import { HistoryReader } from "./history-text.ts";

function textOf({ parts }: ReturnType<HistoryReader["read"]>): string {
  return parts.map((part) => (typeof part === "string" ? part : `${part.name}=${part.value}`)).join("");
}

const variablesOf = ({ parts }: ReturnType<HistoryReader["read"]>): object[] => parts.filter((part) => typeof part !== "string");

test("the variables of an entry are told apart, and the entry is the sum of its parts", () => {
  for (const [text, variables, withoutArgs] of [
    ["RUN |2 A=x B=y /bin/sh -c make A=z # buildkit", [["A", "x"], ["B", "y"]], "RUN /bin/sh -c make A=z # buildkit"],
    ["RUN |1 A= /bin/sh -c make # buildkit", [["A", ""]], "RUN /bin/sh -c make # buildkit"],
    ["RUN /bin/sh -c A=x make # buildkit", [], "RUN /bin/sh -c A=x make # buildkit"],
    ["RUN |2 A=x /bin/sh -c make", [], "RUN |2 A=x /bin/sh -c make"],
    ["ARG A=x y B=z C", [["A", "x y"], ["B", "z C"]], "ARG A B"],
    ["ARG A", [], "ARG A"],
    ["ENV A=x B=y z", [["A", "x"], ["B", "y z"]], "ENV A=x B=y z"],
    ["LABEL a.b-c=x", [["a.b-c", "x"]], "LABEL a.b-c=x"],
    ["/bin/sh -c #(nop)  ENV A=x", [], "/bin/sh -c #(nop)  ENV A=x"],
    ["COPY a=b /", [], "COPY a=b /"],
  ] as const) {
    const read = new HistoryReader().read(text);
    assert.equal(textOf(read), text);
    assert.deepEqual(variablesOf(read), variables.map(([name, value]) => ({ name, value })), text);
    assert.equal(read.withoutArgs, withoutArgs);
  }
});

test("a value with blanks is told from what follows it where an entry before has it, as ARG or as ENV", () => {
  const reader = new HistoryReader();
  for (const text of ["ARG A=old", "ARG A=correct horse battery", "ARG B=", "ARG C", "ENV C=two words"]) reader.read(text);
  const read = reader.read("RUN |4 A=correct horse battery B= C=two words D=x y /bin/sh -c make # buildkit");
  assert.deepEqual(variablesOf(read), [{ name: "A", value: "correct horse battery" }, { name: "B", value: "" }, { name: "C", value: "two words" }, { name: "D", value: "x" }]);
  assert.equal(read.withoutArgs, "RUN y /bin/sh -c make # buildkit");
  assert.equal(textOf(read), "RUN |4 A=correct horse battery B= C=two words D=x y /bin/sh -c make # buildkit");
});
