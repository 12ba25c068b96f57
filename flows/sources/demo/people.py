"""Generate the company's people with their diligence, and the table `users`."""

import unicodedata

import numpy as np
import polars as pl

from flows.sources.demo.catalog import COMPANY
from flows.sources.demo.random_draws import Chance, ids

DOMAIN = "northwind-academy.example"


def names(text: str) -> list[str]:
    """A list of names, from a text that is easy to edit."""
    return text.split()


FIRST_NAMES = names(
    """
    Ada Agnès Aisha Alejandro Amélie Ana Andrzej Anna Anouk Ben Björn Camille Carlos Chloé Clara Daniel
    Diego Elena Élodie Emil Emma Farid Fatima Felix François Freya Gabriel Giulia Hanna Hugo Inês Ivan
    Jana Jonas José Jürgen Kamal Karin Kim Lars Léa Leïla Lena Liam Lin Louis Luca Lucía Magnus Maja
    Marie Matteo Maya Mehmet Mia Milan Mohamed Nadia Nils Noah Noé Nora Olivia Omar Otto Paul Petra
    Priya Rafał René Rosa Sara Sébastien Sofia Tariq Théo Tomáš Valérie Viktor Wei Yara Yusuf Zeynep Zoë
    """
)
LAST_NAMES = names(
    """
    Adams Almeida Andersson Bauer Becker Bernard Bianchi Çelik Chen Costa Dubois Dvořák Fernández
    Fischer Fontaine Garcia Girard Gómez González Håkansson Haddad Hansen Hoffmann Horvat Ivanova Jansen
    Johansson Kaya Keller Khan Klein Kovács Kowalski Lambert Lange Lefèvre Lindqvist López Martin Mbeki
    Meier Mercier Moreau Müller Nguyen Nieminen Novák Nuñez Okafor Oliveira Papadakis Patel Pérez Petrov
    Popescu Ricci Rossi Rousseau Sánchez Şahin Schmidt Schröder Silva Singh Smith Sørensen Svensson
    Tanaka Thomas Tóth Usman Vasquez Virtanen Wagner Weber Wójcik Yılmaz Zhang Zimmermann
    """
)


def people(learners: int, seed: int, rng: np.random.Generator) -> pl.DataFrame:
    """The learners, followed by newcomers without an account in `users` yet.

    `diligence` ranges from 0 to 1.
    """
    everyone = learners + max(2, learners // 500)
    person = pl.DataFrame({"user": pl.int_range(everyone, dtype=pl.UInt32, eager=True)})
    chance = Chance(rng, person)
    status = (
        pl.when(chance.below(0.05)).then(pl.lit("deleted")).when(chance.below(0.03)).then(pl.lit("invited"))
    )
    return person.with_columns(
        user_id=ids("user", seed, everyone),
        first_name=chance.one_of(FIRST_NAMES),
        last_name=chance.one_of(LAST_NAMES),
        status=status.otherwise(pl.lit("active")),
        newcomer=pl.col("user") >= learners,
        diligence=pl.Series(rng.beta(4, 2, everyone)).cast(pl.Float32),
    )


def users(person: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The table `users`: people with the same name have a number in their e-mail, some share an e-mail."""
    roster = person.filter(~pl.col("newcomer"))
    chance = Chance(rng, roster)
    namesakes = pl.int_range(pl.len()).over("first_name", "last_name")
    number = pl.when(namesakes > 0).then("." + (namesakes + 1).cast(pl.String)).otherwise(pl.lit(""))
    tag = pl.when(chance.below(0.02)).then(pl.lit("+learning")).otherwise(pl.lit(""))
    plain = pl.concat_str(in_ascii("first_name"), pl.lit("."), in_ascii("last_name"), number, tag)
    local = pl.when(chance.below(0.3)).then(plain).otherwise(plain.str.to_lowercase())
    address = local + pl.lit(f"@{DOMAIN}")
    second_account = pl.col("user") % 97 == 96
    email = pl.when(second_account).then(address.shift(1)).when(chance.below(0.99)).then(address)
    return roster.select(
        pl.lit(COMPANY).alias("company_id"),
        "user_id",
        email.alias("email"),
        pl.when(chance.below(0.99)).then("first_name").alias("first_name"),
        pl.when(chance.below(0.99)).then("last_name").alias("last_name"),
        "status",
    )


def in_ascii(name: str) -> pl.Expr:
    """The name column in ASCII, for an e-mail."""
    known = FIRST_NAMES + LAST_NAMES
    return pl.col(name).replace_strict(known, [without_accents(one) for one in known])


def without_accents(name: str) -> str:
    """The name in unaccented letters.

    >>> without_accents("Sørensen"), without_accents("Élodie")
    ('Sorensen', 'Elodie')
    """
    translated = name.translate(str.maketrans("øłı", "oli"))
    return unicodedata.normalize("NFKD", translated).encode("ascii", "ignore").decode()
