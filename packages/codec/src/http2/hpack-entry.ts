/** RFC 7541 section 4.1: what an entry costs beyond the bytes of its name and value. */
export const ENTRY_OVERHEAD_BYTES = 32;

/** One header field as the decoder's tables and a decoded block hold it; immutable. */
export class HpackEntry {
  readonly name: string;
  readonly value: string;
  /** One of the KIND_ constants, with the value judged. */
  readonly kind: number;
  /** The kind that the name alone has, for fields that borrow it. */
  readonly kindOfName: number;
  /** Size in a table and in a header list. */
  readonly byteLength: number;

  constructor(name: string, value: string, kind: number, kindOfName: number) {
    this.name = name;
    this.value = value;
    this.kind = kind;
    this.kindOfName = kindOfName;
    this.byteLength = name.length + value.length + ENTRY_OVERHEAD_BYTES;
  }
}
