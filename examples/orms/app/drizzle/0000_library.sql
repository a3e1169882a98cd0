CREATE TABLE "authors" ("id" serial PRIMARY KEY, "name" text NOT NULL UNIQUE);
--> statement-breakpoint
CREATE TABLE "books" (
  "id" serial PRIMARY KEY,
  "author_id" integer NOT NULL REFERENCES "authors" ("id"),
  "title" text NOT NULL,
  "copies" integer DEFAULT 2 NOT NULL,
  "version" integer DEFAULT 1 NOT NULL,
  UNIQUE ("author_id", "title")
);
--> statement-breakpoint
CREATE TABLE "ratings" (
  "book_id" integer NOT NULL REFERENCES "books" ("id"),
  "reader" text NOT NULL,
  "stars" integer NOT NULL,
  PRIMARY KEY ("book_id", "reader")
);
--> statement-breakpoint
CREATE TABLE "loans" (
  "id" serial PRIMARY KEY,
  "book_id" integer NOT NULL REFERENCES "books" ("id"),
  "reader" text NOT NULL
);
