"""The frictionless tasks of Ramesh and Ravindran (L4DC 2023), planned in worlds learned from random steps."""
