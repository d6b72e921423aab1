//! Migration tools that wipe a database as one of their commands.

use super::super::args::{Arg, Grammar, PLAIN, has, listed, operands, read, value};
use super::super::{Finding, Pack, Rule};
use crate::shell::{Call, Word};
use crate::world::World;

/// Tools of frameworks that drop what they make.
pub(super) const RESET: Rule = Rule {
    id: "db.tool.reset",
    critical: false,
    pack: Pack::Databases,
    what: "This command of a migration tool drops or empties the whole database",
    why: "which database that is depends on a configuration that a command line does not show",
    instead: "migrate a step back, as with `rails db:rollback` or `alembic downgrade -1`, or do it in the test \
              environment, as with `RAILS_ENV=test rails db:reset`",
    source: "the command references of Rails, Django, Laravel, Doctrine, Prisma, Sequelize, Knex, TypeORM, Ecto, Flyway, \
             Liquibase, Alembic, Supabase, Entity Framework, goose, Diesel, SQLx and others",
    programs: PROGRAMS,
    unknown_program: false,
    redirections: false,
    judge: reset,
    suspects: |_| false,
    denies: &[
        "rails db:drop",
        "bundle exec rake db:reset",
        "npx prisma migrate reset --force",
        "php artisan migrate:fresh --seed",
        "python manage.py flush --noinput",
        "alembic downgrade base",
        "mix ecto.drop",
    ],
    allows: &[
        "rails db:migrate",
        "RAILS_ENV=test rails db:drop db:create",
        "npx prisma migrate dev",
        "php artisan migrate:rollback",
        "alembic downgrade -1",
        "rails generate migration db:drop",
    ],
};

const PROGRAMS: &[&str] = &[
    "rails",
    "rake",
    "prisma",
    "artisan",
    "sail",
    "manage.py",
    "django-admin",
    "python",
    "python3",
    "flask",
    "sequelize",
    "sequelize-cli",
    "knex",
    "typeorm",
    "typeorm-ts-node-commonjs",
    "typeorm-ts-node-esm",
    "mikro-orm",
    "mikro-orm-esm",
    "ace",
    "drizzle-kit",
    "mix",
    "flyway",
    "liquibase",
    "alembic",
    "supabase",
    "console",
    "symfony",
    "doctrine",
    "dotnet",
    "dotnet-ef",
    "hasura",
    "goose",
    "diesel",
    "sqlx",
    "dbmate",
    "migrate",
    "sea-orm-cli",
    "atlas",
    "wp",
    "drush",
    "npx",
    "bunx",
    "aerich",
    "meteor",
    "yarn",
    "pnpm",
    "bun",
];

/// Words that follow one another among the operands of a program, with `|` between those that mean the same, and options
/// of which one is needed.
#[rustfmt::skip]
static RESETS: &[(&str, &str, &str)] = &[
    ("rails rake", "db:drop|db:drop:all|db:drop:_unsafe|db:reset|db:reset:all|db:migrate:reset|db:purge|db:purge:all|\
        db:schema:load|db:structure:load|db:truncate_all|db:seed:replant", ""),
    ("prisma", "migrate reset", ""),
    ("prisma", "db push", "force-reset accept-data-loss"),
    ("artisan sail", "migrate:fresh|migrate:refresh|migrate:reset|db:wipe", ""),
    ("manage.py django-admin", "flush|reset_db|reset_schema|drop_test_database", ""),
    ("manage.py django-admin", "migrate * zero", ""),
    ("flask", "db downgrade base", ""),
    ("alembic", "downgrade base", ""),
    ("sequelize sequelize-cli", "db:drop|db:migrate:undo:all", ""),
    ("knex", "migrate:rollback", "all"),
    ("typeorm typeorm-ts-node-commonjs typeorm-ts-node-esm", "schema:drop", ""),
    ("mikro-orm mikro-orm-esm", "schema:drop|schema:fresh|migration:fresh", ""),
    ("ace", "migration:fresh|migration:refresh|migration:reset|db:wipe|db:truncate", ""),
    ("drizzle-kit", "push", "force"),
    ("mix", "ecto.drop|ecto.reset", ""),
    ("mix", "ecto.rollback", "all"),
    ("flyway", "clean", ""),
    ("liquibase", "dropAll|drop-all", ""),
    ("supabase", "db reset", ""),
    ("console symfony doctrine", "doctrine:database:drop|doctrine:schema:drop|orm:schema-tool:drop|d:d:d|d:s:d", "force f"),
    ("dotnet", "ef database drop", ""),
    ("dotnet", "ef database update 0", ""),
    ("dotnet-ef", "database drop", ""),
    ("dotnet-ef", "database update 0", ""),
    ("hasura", "migrate apply", "down"),
    ("goose", "reset", ""),
    ("goose", "down-to 0", ""),
    ("diesel", "database reset|drop", ""),
    ("sqlx", "database|db drop|reset", ""),
    ("dbmate", "drop", ""),
    ("migrate", "drop", ""),
    ("migrate", "down", "all"),
    ("sea-orm-cli", "migrate fresh|refresh|reset", ""),
    ("atlas", "schema clean", ""),
    ("wp", "db reset|drop|clean", ""),
    ("wp", "site empty", ""),
    ("drush", "sql:drop|sql-drop", ""),
    ("aerich", "downgrade", "delete"),
    ("meteor", "reset", ""),
];

/// Words that make something of a name, be it what it may.
const MAKING: &str = "create new generate g add help make:migration init";
/// What names an environment, and the names of those that may be wiped.
const ENVIRONMENTS: [&str; 9] = [
    "RAILS_ENV",
    "RACK_ENV",
    "APP_ENV",
    "NODE_ENV",
    "MIX_ENV",
    "ENV",
    "FLASK_ENV",
    "ENVIRONMENT",
    "ASPNETCORE_ENVIRONMENT",
];
const TEST: &str = "test testing tests ci Testing Test";

const GRAMMAR: Grammar = Grammar {
    short: "ecp",
    long: "env environment schema config settings database url dir path source knexfile dataSource context project \
        startup-project log-level database-url connection-string group",
    ..PLAIN
};

fn reset(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let mut name = call.name()?;
    // Go's way of options, and Java's.
    let dash = matches!(name, "migrate" | "goose" | "flyway");
    let args = read(call.args(), &Grammar { dash, ..GRAMMAR });
    let mut words = operands(&args);
    // `python -m alembic`, `npx prisma@5`
    if matches!(name, "python" | "python3" | "npx" | "bunx" | "yarn" | "pnpm" | "bun") {
        if words.first().is_some_and(|word| matches!(word.text.as_str(), "run" | "exec" | "dlx" | "x")) {
            words.remove(0);
        }
        let first = words.first()?.text.as_str();
        name = first.split('@').next().unwrap_or(first);
        name = if name == "django" { "django-admin" } else { name };
        words.remove(0);
    }
    let name = name.rsplit('/').next().unwrap_or(name);
    let idle = has(&args, "help h version dry-run pretend dump-sql plan sql") || is_test(call, &args, &words);
    if idle || words.first().is_some_and(|word| listed(MAKING, &word.text)) {
        return None;
    }
    let of = RESETS.iter().filter(|(programs, ..)| listed(programs, name));
    let mut found = of.filter(|(_, path, options)| {
        let parts: Vec<&str> = path.split(' ').collect();
        let fits = words.windows(parts.len()).enumerate().any(|(at, window)| {
            // `goose create reset sql`
            let named = at > 0 && listed(MAKING, &words[at - 1].text);
            !named && window.iter().zip(&parts).all(|(word, part)| is(word, part))
        });
        fits && (options.is_empty() || has(&args, options))
    });
    let (_, path, _) = found.next()?;
    // `hasura migrate apply --down all`
    let all =
        || value(&args, "down").map_or_else(|| words.iter().any(|w| w.text == "all"), |v| v.text == "all");
    if name == "hasura" && !all() {
        return None;
    }
    Some(Finding::new(format!("it is `{name} {}`", path.split('|').next().unwrap_or(path))))
}

/// Compares a word with a part of a path.
fn is(word: &Word, part: &str) -> bool {
    // `db:drop[...]` of rake, `ecto.drop,` of mix.
    let text = word.text.split(['[', ',']).next().unwrap_or("");
    part == "*" || part.split('|').any(|own| own == text)
}

/// Says whether a command is about a test environment.
fn is_test(call: &Call<'_>, args: &[Arg<'_>], words: &[&Word]) -> bool {
    let named = |text: &str| listed(TEST, text);
    let set = ENVIRONMENTS.iter().any(|name| call.variable(name).is_some_and(|word| named(&word.text)));
    let option = value(args, "env e environment").is_some_and(|word| named(&word.text));
    // `rake db:drop RAILS_ENV=test`
    let given = words.iter().filter_map(|word| word.text.split_once('='));
    set || option || given.into_iter().any(|(name, value)| ENVIRONMENTS.contains(&name) && named(value))
}
