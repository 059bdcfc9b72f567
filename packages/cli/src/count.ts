/** `1 rule`, `2 rules`: for nouns that only take an s. */
export function renderCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
