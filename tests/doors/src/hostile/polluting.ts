/** What has been set where it must not be. */
export const mark = 'polluted';

/** JSON texts that would reach a prototype if anything merged or walked them carelessly. */
export const pollutingValues = [
  `{"__proto__":{"${mark}":true}}`,
  `{"a":{"__proto__":{"${mark}":true}}}`,
  `{"constructor":{"prototype":{"${mark}":true}}}`,
  `{"a":{"constructor":{"prototype":{"${mark}":true}}}}`,
  `{"constructor.prototype.${mark}":true,"__proto__.${mark}":true,"a[__proto__][${mark}]":true}`,
  `{"prototype":{"${mark}":true},"toString":{"${mark}":true},"valueOf":1,"hasOwnProperty":1,"then":{"${mark}":true}}`,
  `{"\\u005f_proto__":{"${mark}":true}}`,
  `[{"__proto__":{"${mark}":true}}]`,
  `{"text":"x","__proto__":null}`,
];
/** Names that mean something to objects. */
export const pollutingNames = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'constructor.prototype',
  '__proto__.polluted',
  '__defineGetter__',
  'then',
];
