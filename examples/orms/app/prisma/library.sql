CREATE TABLE IF NOT EXISTS "authors" ("id" serial PRIMARY KEY, "name" text NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS "books" (
  "id" serial PRIMARY KEY,
  "author_id" integer NOT NULL REFERENCES "authors" ("id"),
  "title" text NOT NULL,
  "copies" integer DEFAULT 2 NOT NULL,
  "version" integer DEFAULT 1 NOT NULL,
  UNIQUE ("author_id", "title")
);
CREATE TABLE IF NOT EXISTS "ratings" (
  "book_id" integer NOT NULL REFERENCES "books" ("id"),
  "reader" text NOT NULL,
  "stars" integer NOT NULL,
  PRIMARY KEY ("book_id", "reader")
);
CREATE TABLE IF NOT EXISTS "loans" (
  "id" serial PRIMARY KEY,
  "book_id" integer NOT NULL REFERENCES "books" ("id"),
  "reader" text NOT NULL
);
