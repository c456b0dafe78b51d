"""The tenants of stock django-tenants, as its tutorial has them."""
