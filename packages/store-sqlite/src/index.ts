export { openSqlite, type SqliteOptions } from './open-sqlite.ts';
export { StoreFormatError } from './schema.ts';
