import { sliceLatin1 } from "@weft/kernel";
import { readInt32 } from "./frame.ts";
import { HESSIAN_CLASSES_MAX, HESSIAN_DEPTH_MAX } from "./limits.ts";

/** Tags of the hessian2 grammar (hessian.caucho.com/doc/hessian-serialization.html) that are named here. */
export const TAG_NULL = 0x4e;
export const TAG_MAP_UNTYPED = 0x48;
export const TAG_MAP_TYPED = 0x4d;
export const TAG_END = 0x5a;

/**
 * Walks over hessian2 values without making anything of them: where a value ends, what a string says. It never looks
 * behind `end`. Nothing is thrown: what is malformed, or too deep, makes `isLost` true, and the position is meaningless.
 *
 * Why no library: it would turn every argument of every call into objects to find what comes behind them, and could not
 * promise to write them again to the byte.
 */
export class HessianScanner {
  bytes: Buffer;
  at: number = 0;
  end: number = 0;
  isLost: boolean = false;
  /** How many fields the classes have that were defined so far. */
  classes: number[] = [];
  #depth: number = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Begins at `bytes[at]`; the classes are those that were defined before. */
  begin(bytes: Buffer, at: number, end: number, classes: readonly number[]): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.isLost = false;
    this.#depth = 0;
    if (this.classes.length > 0 || classes.length > 0) this.classes = classes.slice();
  }

  /** The tag at the position; -1 at the end. */
  get tag(): number {
    return this.at < this.end ? (this.bytes[this.at] ?? -1) : -1;
  }

  /** Reads a string of one chunk, one character per byte, and goes behind it; null reads as "". Anything else is lost. */
  readText(): string {
    const tag = this.tag;
    if (tag === TAG_NULL) {
      this.at++;
      return "";
    }
    const units = this.#stringUnits(tag);
    if (units < 0 || tag === 0x52) {
      this.isLost = true;
      return "";
    }
    const start = this.at;
    this.#skipUnits(units);
    return this.isLost ? "" : sliceLatin1(this.bytes, start, this.at);
  }

  /** True when a string of one chunk is next. */
  get isAtText(): boolean {
    const tag = this.tag;
    return (tag >= 0 && tag <= 0x1f) || (tag >= 0x30 && tag <= 0x33) || tag === 0x53;
  }

  /** The int that is next, as far as it is one of the compact forms or 'I'; NaN for anything else. Stays in place. */
  peekInt(): number {
    const tag = this.tag;
    const { bytes, at } = this;
    if (tag >= 0x80 && tag <= 0xbf) return tag - 0x90;
    if (tag >= 0xc0 && tag <= 0xcf && at + 1 < this.end) return ((tag - 0xc8) << 8) + (bytes[at + 1] ?? 0);
    if (tag >= 0xd0 && tag <= 0xd7 && at + 2 < this.end) {
      return ((tag - 0xd4) << 16) + ((bytes[at + 1] ?? 0) << 8) + (bytes[at + 2] ?? 0);
    }
    return tag === 0x49 && at + 4 < this.end ? readInt32(bytes, at + 1) : Number.NaN;
  }

  /** Goes behind the value that is next. */
  skipValue(): void {
    if (++this.#depth > HESSIAN_DEPTH_MAX) this.isLost = true;
    // A class definition is not a value: the object comes behind it.
    while (!this.isLost && this.tag === 0x43) this.#defineClass();
    if (!this.isLost) this.#skipTagged(this.tag);
    this.#depth--;
  }

  #skipTagged(tag: number): void {
    if (tag < 0) {
      this.isLost = true;
    } else if (tag <= 0x1f || (tag >= 0x30 && tag <= 0x33) || tag === 0x52 || tag === 0x53) {
      this.#skipString();
    } else if (tag <= 0x2f || (tag >= 0x34 && tag <= 0x37) || tag === 0x41 || tag === 0x42) {
      this.#skipBinary();
    } else if (tag >= 0x60 && tag <= 0x6f) {
      this.at++;
      this.#skipFields(tag - 0x60);
    } else if (tag >= 0x70 && tag <= 0x7f) {
      this.at++;
      if (tag <= 0x77) this.#skipType();
      this.#skipValues(tag & 7);
    } else {
      const scalarBytes = scalarBytesOf(tag);
      if (scalarBytes > 0) this.#advance(scalarBytes);
      else this.#skipComposite(tag);
    }
  }

  #skipComposite(tag: number): void {
    this.at++;
    switch (tag) {
      case TAG_MAP_TYPED:
        this.#skipType();
        return this.#skipToEnd();
      case TAG_MAP_UNTYPED:
      case 0x57:
        return this.#skipToEnd();
      case 0x55:
        this.#skipType();
        return this.#skipToEnd();
      case 0x56:
        this.#skipType();
        return this.#skipValues(this.#readInt());
      case 0x58:
        return this.#skipValues(this.#readInt());
      case 0x4f:
        return this.#skipFields(this.#readInt());
      case 0x51:
        this.#readInt();
        return;
      default:
        this.isLost = true;
    }
  }

  /** 'C' name, number of fields, their names. */
  #defineClass(): void {
    this.at++;
    this.#skipString();
    const fields = this.#readInt();
    for (let index = 0; index < fields && !this.isLost; index++) this.#skipString();
    if (this.classes.length >= HESSIAN_CLASSES_MAX) this.isLost = true;
    else this.classes.push(fields);
  }

  #skipFields(classIndex: number): void {
    const fields = this.classes[classIndex];
    if (fields === undefined) this.isLost = true;
    else this.#skipValues(fields);
  }

  #skipValues(count: number): void {
    for (let index = 0; index < count && !this.isLost; index++) this.skipValue();
  }

  #skipToEnd(): void {
    while (!this.isLost && this.tag !== TAG_END) this.skipValue();
    this.#advance(1);
  }

  /** A type is a string, or the number of one that came before. */
  #skipType(): void {
    if (Number.isNaN(this.peekInt())) this.#skipString();
    else this.#readInt();
  }

  /** A count or an index: 0 or more. */
  #readInt(): number {
    const value = this.peekInt();
    if (value >= 0) {
      this.#advance(scalarBytesOf(this.tag));
      return value;
    }
    this.isLost = true;
    return 0;
  }

  #advance(byteCount: number): void {
    if (this.end - this.at < byteCount) this.isLost = true;
    else this.at += byteCount;
  }

  #skipString(): void {
    for (let isLast = false; !isLast && !this.isLost;) {
      const tag = this.tag;
      isLast = tag !== 0x52;
      const units = this.#stringUnits(tag);
      if (units < 0) this.isLost = true;
      else this.#skipUnits(units);
    }
  }

  /** Goes behind a string's tag and length; returns its UTF-16 code units, or -1 when none is next. */
  #stringUnits(tag: number): number {
    const { bytes, at, end } = this;
    if (tag >= 0 && tag <= 0x1f) {
      this.at = at + 1;
      return tag;
    }
    if (tag >= 0x30 && tag <= 0x33 && end - at >= 2) {
      this.at = at + 2;
      return ((tag - 0x30) << 8) | (bytes[at + 1] ?? 0);
    }
    if ((tag === 0x52 || tag === 0x53) && end - at >= 3) {
      this.at = at + 3;
      return ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    }
    return -1;
  }

  /** Goes behind so many UTF-16 code units of UTF-8, where surrogates may stand one by one, as Java writes them. */
  #skipUnits(units: number): void {
    const { bytes, end } = this;
    let { at } = this;
    while (units > 0 && at < end) {
      const lead = bytes[at] ?? 0;
      if (lead < 0x80) at += 1;
      else if (lead < 0xe0) at += 2;
      else if (lead < 0xf0) at += 3;
      else {
        at += 4;
        units--;
      }
      units--;
    }
    if (units !== 0 || at > end) this.isLost = true;
    else this.at = at;
  }

  #skipBinary(): void {
    for (let isLast = false; !isLast && !this.isLost;) {
      const tag = this.tag;
      isLast = tag !== 0x41;
      const { bytes, at, end } = this;
      if (tag >= 0x20 && tag <= 0x2f) this.#advance(1 + tag - 0x20);
      else if (tag >= 0x34 && tag <= 0x37 && end - at >= 2) {
        this.#advance(2 + ((tag - 0x34) << 8) + (bytes[at + 1] ?? 0));
      } else if ((tag === 0x41 || tag === 0x42) && end - at >= 3) {
        this.#advance(3 + ((bytes[at + 1] ?? 0) << 8) + (bytes[at + 2] ?? 0));
      } else this.isLost = true;
    }
  }
}

/** Bytes of a value of fixed size, its tag included; 0 for a tag of anything else. */
function scalarBytesOf(tag: number): number {
  if (tag >= 0x80) {
    // int, then long, in one byte, two, three.
    if (tag <= 0xbf || (tag >= 0xd8 && tag <= 0xef)) return 1;
    return tag <= 0xcf || tag >= 0xf0 ? 2 : 3;
  }
  if (tag >= 0x38 && tag <= 0x3f) return 3;
  switch (tag) {
    case 0x46:
    case TAG_NULL:
    case 0x54:
    case 0x5b:
    case 0x5c:
      return 1;
    case 0x5d:
      return 2;
    case 0x5e:
      return 3;
    case 0x49:
    case 0x4b:
    case 0x59:
    case 0x5f:
      return 5;
    case 0x44:
    case 0x4a:
    case 0x4c:
      return 9;
    default:
      return 0;
  }
}
