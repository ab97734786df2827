/** First bytes of a value in a message of version 1. What is missing is refused. */
export const tags = {
  null: 0,
  false: 1,
  true: 2,
  /** Eight bytes, the lowest first. */
  float64: 3,
  /** How many, and the items. */
  array: 4,
  /** How many names, the names, and the members: an object whose names are the next shape. */
  newShape: 5,
  /** A text after the text that this member was last. */
  text: 6,
  /** The same, of a text that is the next of those that repeat. */
  repeatedText: 7,
  /** A whole number below 0, as what it lacks to -1. */
  negative: 8,
  /** A whole number, beyond 31. */
  positive: 9,
  /** The number beyond 31 of a shape, and the members. */
  shape: 10,
  /** The number beyond 63 of a text that repeats. */
  repeated: 11,
  /** 0 to 31. */
  smallNumbers: 32,
  smallRepeated: 64,
  smallShapes: 128,
  /** A whole number that is -32 to 31 more than this member was last. */
  differences: 160,
  /** None from here on. */
  end: 224,
} as const;

/** Characters of a text that may be told of by number. */
export const maxRepeatedLength = 64;
/** Texts, and shapes, that may be told of by number. */
export const maxKnown = 4_096;
