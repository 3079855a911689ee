"""Tables for exports without a suitable bundled data set. Each is as an author would keep it: text, flags, gaps."""

import numpy as np
import pandas


def create_random(seed):
    return np.random.default_rng(seed)


def empty_cells(frame, column, share, random):
    """Empties a share of a column's cells."""
    frame.loc[random.random(len(frame)) < share, column] = None
    return frame


def loans(rows=320):
    random = create_random(1)
    frame = pandas.DataFrame({
        "age": random.integers(19, 78, rows),
        "income": np.round(random.lognormal(10.3, 0.5, rows), 2),
        "employment": random.choice(["permanent", "fixed-term", "self-employed", "retired"], rows, p=[.5, .2, .2, .1]),
        "home": random.choice(["owner", "tenant", "with parents"], rows),
        "debt_ratio": np.round(random.beta(2, 5, rows), 3),
        "existing_customer": random.integers(0, 2, rows),
    })
    risk = (
        4 * frame["debt_ratio"] - frame["income"] / 30_000 + (frame["employment"] == "fixed-term")
        - 0.8 * (frame["home"] == "owner") - 0.6 * frame["existing_customer"] + random.normal(0, 0.6, rows)
    )
    frame["outcome"] = np.where(risk > 0, "defaulted", "repaid")
    return empty_cells(empty_cells(frame, "income", 0.06, random), "employment", 0.04, random)


def bike_hours(rows=300):
    random = create_random(2)
    frame = pandas.DataFrame({
        "season": random.choice(["winter", "spring", "summer", "autumn"], rows),
        "hour": random.integers(0, 24, rows),
        "workingday": random.random(rows) < 0.68,
        "weather": random.choice(["clear", "mist", "rain", "snow"], rows, p=[.6, .2, .15, .05]),
        "temperature": np.round(random.normal(12, 9, rows), 1),
        "humidity": random.integers(20, 101, rows).astype(float),
    })
    demand = (
        2 * (frame["workingday"] & frame["hour"].isin([7, 8, 9, 16, 17, 18, 19])) + (frame["hour"] > 6)
        + frame["temperature"] / 10 + 1.5 * (frame["season"] == "spring") - 2 * frame["weather"].isin(["rain", "snow"])
    )
    frame["busy"] = (demand + random.normal(0, 0.4, rows) > 2).astype(int)
    return empty_cells(frame, "humidity", 0.1, random).astype({"humidity": "Int64"})


def machines(rows=300):
    random = create_random(3)
    frame = pandas.DataFrame({
        "hours": random.integers(0, 9_000, rows),
        "temperature_c": np.round(random.normal(68, 9, rows), 1),
        "vibration_mm_s": np.round(random.gamma(2, 1.4, rows), 2),
        "serviced": random.integers(0, 2, rows),
    })
    wear = (
        frame["hours"] / 3_000 + (frame["temperature_c"] - 68) / 8 + frame["vibration_mm_s"] / 2
        - 1.5 * frame["serviced"] + random.normal(0, 0.7, rows)
    )
    frame["failed"] = np.where(wear > 2.8, "yes", "no")
    return frame


def parcels(rows=280):
    random = create_random(4)
    frame = pandas.DataFrame({
        "distance_km": np.round(random.gamma(2, 6, rows), 2),
        "stops": random.integers(1, 24, rows),
        "weight_kg": np.round(random.lognormal(0.6, 0.9, rows), 3),
        "express": random.random(rows) < 0.25,
        "rain": random.random(rows) < 0.3,
    })
    frame["minutes"] = np.round(
        12 + 2.1 * frame["distance_km"] + 3.4 * frame["stops"] - 9 * frame["express"] + 6 * frame["rain"]
        + random.normal(0, 4, rows), 1,
    )
    return frame


def bearings(rows=360):
    random = create_random(5)
    frame = pandas.DataFrame({
        "rms": np.round(random.gamma(3, 0.4, rows), 3),
        "kurtosis": np.round(random.normal(3.4, 0.9, rows), 2),
        "oil_c": np.round(random.normal(55, 7, rows), 1),
        "rpm": random.choice([900, 1200, 1500, 1800], rows).astype(float),
    })
    wear = frame["rms"] + (frame["kurtosis"] - 3) / 2 + (frame["oil_c"] - 55) / 20 + random.normal(0, 0.15, rows)
    frame["state"] = np.select([wear > 2, wear > 1.4], ["fault", "wear"], "ok")
    for column, share in [("rms", 0.05), ("kurtosis", 0.2), ("oil_c", 0.3)]:
        frame = empty_cells(frame, column, share, random)
    return frame.astype({"rpm": int})


def tickets(rows=400):
    random = create_random(6)
    frame = pandas.DataFrame({
        "channel": random.choice(["e-mail", "phone", "chat", "portal"], rows),
        "product": random.choice(["billing", "network", "storage, cold", "storage, hot"], rows),
        "tier": random.choice(["1", "2", "3"], rows),
        "region": random.choice(["EMEA", "Américas", "APAC"], rows),
        "outage": random.choice(["yes", "no"], rows, p=[.25, .75]),
    })
    weight = (
        3 * (frame["outage"] == "yes") + frame["tier"].astype(int) + (frame["product"] == "network")
        + (frame["channel"] == "phone") + random.normal(0, 0.5, rows)
    )
    frame["priority"] = np.select([weight > 4.5, weight > 2.5], ["P1", "P2"], "P3")
    return frame


def rooms(rows=240):
    random = create_random(7)
    frame = pandas.DataFrame({
        "floor_m2": random.integers(12, 90, rows),
        "glass_share": np.round(random.uniform(0.1, 0.7, rows), 2),
        "outside_c": np.round(random.normal(11, 10, rows), 1),
        "people": random.integers(0, 9, rows),
    })
    gap = 21 - frame["outside_c"]
    loss = frame["floor_m2"] * (0.02 + 0.06 * frame["glass_share"])
    frame["heating_kwh"] = np.round(np.maximum(0, gap) * loss * 0.1 + random.gamma(2, 0.1, rows), 2)
    frame["cooling_kwh"] = np.round(
        np.maximum(0, -gap) * loss * 0.08 + 0.1 * frame["people"] + random.gamma(2, 0.1, rows), 2
    )
    return frame
