import type { RequestHead } from "@weft/contract";
import { literalSegments } from "./pattern.ts";
import { fulfilsConditions, RuleList } from "./rule-list.ts";
import type { CompiledRule } from "./rule.ts";

const NO_RULES: readonly CompiledRule[] = [];

/** A segment of the tree of prefixes. Most have one child at most: only those with more pay for a map. */
class PathNode {
  #onlySegment: string = "";
  #onlyChild: PathNode | null = null;
  #children: Map<string, PathNode> | null = null;
  /** Rules whose prefix ends here. */
  prefixRules: RuleList | null = null;
  #regexRules: CompiledRule[] | null = null;
  /** Nearest node above that has prefix rules, and regular expressions. */
  prefixAbove: PathNode | null = null;
  regexAbove: PathNode | null = null;

  /** Regular expressions that begin with the segments up to here, in order of precedence. */
  get regexRules(): readonly CompiledRule[] {
    return this.#regexRules ?? NO_RULES;
  }

  addRule(rule: CompiledRule): void {
    if (rule.pathKind === "regex") (this.#regexRules ??= []).push(rule);
    else (this.prefixRules ??= new RuleList()).rules.push(rule);
  }

  /** The child for the segment `path[start, end)`, or null. */
  childAt(path: string, start: number, end: number): PathNode | null {
    if (this.#children !== null) return this.#children.get(path.slice(start, end)) ?? null;
    const isOnly = this.#onlySegment.length === end - start && path.startsWith(this.#onlySegment, start);
    return isOnly ? this.#onlyChild : null;
  }

  createChild(segment: string): PathNode {
    const child = new PathNode();
    if (this.#onlyChild === null) {
      this.#onlySegment = segment;
      this.#onlyChild = child;
    } else {
      this.#children ??= new Map([[this.#onlySegment, this.#onlyChild]]);
      this.#children.set(segment, child);
    }
    return child;
  }

  /** Indexes the rules, links the children to what is above them, and adds them to `pending`. */
  seal(pending: PathNode[]): void {
    this.prefixRules?.seal();
    if (this.#children === null) {
      if (this.#onlyChild !== null) this.#sealChild(this.#onlyChild, pending);
    } else {
      for (const child of this.#children.values()) this.#sealChild(child, pending);
    }
  }

  #sealChild(child: PathNode, pending: PathNode[]): void {
    child.prefixAbove = this.prefixRules === null ? this.prefixAbove : this;
    child.regexAbove = this.#regexRules === null ? this.regexAbove : this;
    pending.push(child);
  }
}

/**
 * The rules of one host name, indexed by path: a hash for exact paths, a tree of segments for prefixes and for the
 * beginnings of regular expressions. Finding a rule costs a walk over the path, whatever the number of rules; besides,
 * only rules that match the path are looked at, in order of precedence.
 */
export class PathIndex {
  readonly #exact: Map<string, RuleList> = new Map();
  readonly #root: PathNode = new PathNode();
  #hasRegex: boolean = false;

  /** Adds a rule; rules come in order of precedence. */
  add(rule: CompiledRule): void {
    if (rule.pathKind === "exact") {
      let list = this.#exact.get(rule.path);
      if (list === undefined) {
        list = new RuleList();
        this.#exact.set(rule.path, list);
      }
      list.rules.push(rule);
    } else if (rule.pathKind === "regex") {
      this.#hasRegex = true;
      this.#nodeOf(literalSegments(rule.path)).addRule(rule);
    } else {
      this.#nodeOf(rule.path).addRule(rule);
    }
  }

  /** Completes the index after the last `add`. */
  seal(): void {
    for (const list of this.#exact.values()) list.seal();
    const pending = [this.#root];
    // The list grows as it is walked.
    for (const node of pending) node.seal(pending);
  }

  #nodeOf(prefix: string): PathNode {
    let node = this.#root;
    for (let start = 1; start < prefix.length;) {
      const slash = prefix.indexOf("/", start);
      const end = slash < 0 ? prefix.length : slash;
      node = node.childAt(prefix, start, end) ?? node.createChild(prefix.slice(start, end));
      start = end + 1;
    }
    return node;
  }

  /** The rule that takes precedence. `path` is normal with its query, `pathname` the same without. */
  find(head: RequestHead, path: string, pathname: string): CompiledRule | undefined {
    const exact = this.#exact.get(pathname)?.find(head, path);
    if (exact !== undefined) return exact;
    const deepest = this.#deepestNode(pathname);
    if (this.#hasRegex) {
      const rule = findRegex(deepest, head, path, pathname);
      if (rule !== undefined) return rule;
    }
    for (let node: PathNode | null = deepest; node !== null; node = node.prefixAbove) {
      const rule = node.prefixRules?.find(head, path);
      if (rule !== undefined) return rule;
    }
    return undefined;
  }

  /** All rules that `find` may have to look at for this path, in order of precedence. */
  candidates(pathname: string): CompiledRule[] {
    const lists: (readonly CompiledRule[])[] = [this.#exact.get(pathname)?.rules ?? NO_RULES];
    const deepest = this.#deepestNode(pathname);
    for (let node: PathNode | null = deepest; node !== null; node = node.regexAbove) lists.push(node.regexRules);
    for (let node: PathNode | null = deepest; node !== null; node = node.prefixAbove) {
      lists.push(node.prefixRules?.rules ?? NO_RULES);
    }
    return lists.flat().sort((a, b) => a.order - b.order);
  }

  #deepestNode(pathname: string): PathNode {
    let node = this.#root;
    let start = 1;
    while (start < pathname.length) {
      const slash = pathname.indexOf("/", start);
      const end = slash < 0 ? pathname.length : slash;
      const child = node.childAt(pathname, start, end);
      if (child === null) break;
      node = child;
      start = end + 1;
    }
    return node;
  }
}

function findRegex(deepest: PathNode, head: RequestHead, path: string, pathname: string): CompiledRule | undefined {
  let best: CompiledRule | undefined;
  for (let node: PathNode | null = deepest; node !== null; node = node.regexAbove) {
    for (const rule of node.regexRules) {
      if (best !== undefined && rule.order > best.order) break;
      if (fulfilsConditions(rule, head, path) && rule.pathPattern?.matches(pathname) === true) {
        best = rule;
        break;
      }
    }
  }
  return best;
}
