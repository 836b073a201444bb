import type { NumberLiteral } from "./literal.ts";
import { quote } from "./quote.ts";

/** What stands between actions, and actions. */
export type Statement =
  | { readonly kind: "text"; readonly position: number; readonly text: string }
  | { readonly kind: "action"; readonly position: number; readonly pipe: Pipe }
  | Branch
  | { readonly kind: "template"; readonly position: number; readonly name: string; readonly pipe?: Pipe }
  | { readonly kind: "break" | "continue"; readonly position: number };

export interface Branch {
  readonly kind: "if" | "with" | "range";
  readonly position: number;
  readonly pipe: Pipe;
  readonly body: readonly Statement[];
  readonly otherwise?: readonly Statement[];
}

/** `$x := first | second arg`. */
export interface Pipe {
  readonly kind: "pipe";
  readonly position: number;
  readonly variables: readonly VariableOperand[];
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

export interface Command {
  readonly kind: "command";
  readonly position: number;
  readonly words: readonly [Operand, ...Operand[]];
}

export type VariableOperand = { readonly kind: "variable"; readonly position: number; readonly name: string; readonly fields: readonly string[] };

export type Operand =
  | { readonly kind: "dot" | "nil"; readonly position: number }
  | { readonly kind: "bool"; readonly position: number; readonly value: boolean }
  | { readonly kind: "number"; readonly position: number; readonly text: string; readonly literal: NumberLiteral }
  | { readonly kind: "string"; readonly position: number; readonly quoted: string; readonly text: string }
  | { readonly kind: "field"; readonly position: number; readonly fields: readonly string[] }
  | VariableOperand
  | { readonly kind: "identifier"; readonly position: number; readonly name: string }
  | { readonly kind: "chain"; readonly position: number; readonly base: Operand; readonly fields: readonly string[] }
  | Pipe;

export type Node = Statement | Command | Operand;

/** The node in template syntax, as errors quote it. */
export function nodeText(node: Node): string {
  switch (node.kind) {
    case "text":
      return node.text;
    case "action":
      return `{{${nodeText(node.pipe)}}}`;
    case "if":
    case "with":
    case "range": {
      const otherwise = node.otherwise === undefined ? "" : `{{else}}${listText(node.otherwise)}`;
      return `{{${node.kind} ${nodeText(node.pipe)}}}${listText(node.body)}${otherwise}{{end}}`;
    }
    case "template":
      return `{{template ${quote(node.name)}${node.pipe === undefined ? "" : ` ${nodeText(node.pipe)}`}}}`;
    case "break":
    case "continue":
      return `{{${node.kind}}}`;
    case "pipe": {
      const commands = node.commands.map(nodeText).join(" | ");
      return node.variables.length === 0 ? commands : `${node.variables.map(nodeText).join(", ")} ${node.assigns ? "=" : ":="} ${commands}`;
    }
    case "command":
      return node.words.map(operandText).join(" ");
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "bool":
      return String(node.value);
    case "number":
      return node.text;
    case "string":
      return node.quoted;
    case "field":
      return fieldsText(node.fields);
    case "variable":
      return node.name + fieldsText(node.fields);
    case "identifier":
      return node.name;
    case "chain":
      return operandText(node.base) + fieldsText(node.fields);
  }
}

export function listText(nodes: readonly Node[]): string {
  return nodes.map(nodeText).join("");
}

function operandText(node: Operand): string {
  return node.kind === "pipe" ? `(${nodeText(node)})` : nodeText(node);
}

function fieldsText(fields: readonly string[]): string {
  return fields.map((field) => `.${field}`).join("");
}
